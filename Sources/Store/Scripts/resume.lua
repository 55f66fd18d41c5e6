-- Ends the pause of a queue and wakes the claims that wait on other hosts.
-- KEYS[1]  base
-- ARGV     queue, origin.
-- Returns  now, and 1, or 0 when there is no such queue.

if call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now, 0 }
end
if call('HDEL', base .. 'policy', 'paused') == 1 then
    wake()
end
return { now, 1 }
