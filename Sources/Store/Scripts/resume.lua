-- Ends the pause of a queue and wakes the claims that wait on other hosts.
-- KEYS[1]  base
-- ARGV     queue, origin.
-- Returns  now; if there is such a queue also what its pause was: '1', its end, or false.

if call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now }
end
local before = call('HGET', base .. 'policy', 'paused')
if before then
    call('HDEL', base .. 'policy', 'paused')
    wake()
end
return { now, before }
