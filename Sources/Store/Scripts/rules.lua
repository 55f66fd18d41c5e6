-- Stands before the scripts that most jobs pass through: the queue's policy, by the names of its fields.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- All of it, since most queues have a field or two, and each further name in an HMGET costs more than those.
local policy, fields = {}, call('HGETALL', base .. 'policy')
for i = 1, #fields, 2 do
    policy[fields[i]] = fields[i + 1]
end
local isPaused = policy.paused and (policy.paused == '1' or tonumber(policy.paused) > now)
local isListened = policy.listened and tonumber(policy.listened) > now
