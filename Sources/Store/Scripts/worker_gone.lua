-- Ends the attempts of workers that are gone, like expired leases: back to `queued` at once, or dead when none is left. A
-- job whose cancellation was asked for is cancelled.
-- KEYS[1]  base
-- ARGV     queue, origin; then for each job: id, token.
-- Returns  now, and for each job: 1 (queued), 2 (dead), 3 (cancelled), 0 (no such job) or the state of a job whose lease is
--          lost; the same again when this claim had ended so before.

call('ZCARD', queued)
call('XLEN', base .. 'dead')
local reply, held, doubles = gather(3, 2, 'worker_gone', function(record)
    return record[STATE] == 'dead' and 2 or 1
end)
if #held == 0 then
    return reply
end
ready(giveBack(held, 'worker_gone'))
for k = 1, #held do
    reply[held[k].r] = held[k][STATE]
end
for r, first in pairs(doubles) do
    reply[r] = reply[first]
end
settle()
return reply
