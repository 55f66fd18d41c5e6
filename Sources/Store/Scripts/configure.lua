-- Changes a queue's defaults and limits.
-- KEYS[1]  base
-- ARGV     queue, `create` (a queue that is new comes into being) or ''; then for each setting: its name, and its value or ''
--          (back to what is built in).
-- Returns  what policy.lua behind it tells.

if ARGV[2] == '' and call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now }
end

local set, reset = { 'HSET', base .. 'policy' }, { 'HDEL', base .. 'policy' }
call('HLEN', base .. 'counters')
for i = 3, #ARGV, 2 do
    if ARGV[i + 1] == '' then
        reset[#reset + 1] = ARGV[i]
    else
        set[#set + 1], set[#set + 2] = ARGV[i], ARGV[i + 1]
    end
end
if #set > 2 then
    call(unpack(set))
end
call('HSETNX', base .. 'counters', 'enqueued', 0)
if #reset > 2 then
    call(unpack(reset))
end
