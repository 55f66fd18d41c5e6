-- Pauses a queue: claims find nothing in it until the time given, or `resume`.
-- KEYS[1]  base
-- ARGV     queue, 1 (without end) or the end in milliseconds since the epoch, `create` (a queue that is new comes into being)
--          or ''.
-- Returns  now; if there is such a queue also what its pause was: '1', its end, or false.

local counters, policy = base .. 'counters', base .. 'policy'
if ARGV[3] == '' and call('EXISTS', counters, policy) == 0 then
    return { now }
end
local before = call('HGET', policy, 'paused')
call('HSET', policy, 'paused', ARGV[2])
call('HSETNX', counters, 'enqueued', 0)
return { now, before }
