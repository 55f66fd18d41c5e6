-- Ends the attempts of workers that are gone, like expired leases: back to `queued` at once, or dead when none is left.
-- KEYS[1]  base
-- ARGV     queue, origin; then for each job: id, token.
-- Returns  now, and for each job: 1 (queued), 2 (dead), 0 (no such job) or the state of a job whose lease is lost; the same
--          again when this claim had ended so before.

local reply, first, held, ended = { now }, {}, {}, { 'ZREM', processing }
call('ZCARD', queued)
call('XLEN', base .. 'dead')
for i = 3, #ARGV, 2 do
    local id, r = ARGV[i], #reply + 1
    local record = look(id)
    local worth = standing(record, ARGV[i + 1], 'worker_gone')
    if worth == 'held' then
        worth = 1
        if first[id] then
            first[r] = first[id]
        else
            first[id] = r
            record.r = r
            held[#held + 1], ended[#ended + 1] = record, id
        end
    elseif worth == 'ended' then
        worth = record[STATE] == 'dead' and 2 or 1
    end
    reply[r] = worth
end
if #held == 0 then
    return reply
end

-- The first write frees memory.
call(unpack(ended))
ready(giveBack(held, 'worker_gone'))
for k = 1, #held do
    if held[k].dead then
        reply[held[k].r] = 2
    end
end
for r = 2, #reply do
    if first[r] then
        reply[r] = reply[first[r]]
    end
end
return reply
