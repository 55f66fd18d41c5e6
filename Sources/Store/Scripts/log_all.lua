-- Has the enqueues and claims of a queue logged and announced for a while, as its other events always are: somebody
-- listens. A queue that does not exist stays so; its first job is announced anyhow.
-- KEYS[1]  base
-- ARGV     queue, for how many milliseconds.
-- Returns  now.

if call('EXISTS', base .. 'counters', base .. 'policy') > 0 then
    local policy, till = base .. 'policy', soon + ARGV[2]
    if till > tonumber(call('HGET', policy, 'listened') or 0) then
        call('HSET', policy, 'listened', string.format('%.0f', till))
    end
end
return { now }
