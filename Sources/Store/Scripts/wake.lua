-- Stands before the scripts that make jobs ready: tells the daemons of other hosts, whose claims may wait for them.
-- KEYS[1]  base
-- ARGV[2]  origin: who calls, with '+' in front when it listens to the channel itself, else '-'.
-- Returns  nothing.

-- A caller that is the only listener knows already: a message would only cost a write here and a read there. What these
-- two commands answer is never an error of the script, whose jobs are in place by then: a claim that was not woken is
-- found by its own host's safety net.
local function wake()
    local channel, origin = base .. 'queued' .. database, ARGV[2]
    local listeners = redis.pcall('PUBSUB', 'NUMSUB', channel)[2]
    if listeners ~= (string.byte(origin) == 43 and 1 or 0) then
        redis.pcall('PUBLISH', channel, origin)
    end
end
