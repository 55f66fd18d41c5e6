-- Moves the ends of leases (heartbeat), and keeps what the worker says: how far it is, what the next attempt should know, a
-- line for the job's log.
-- KEYS[1]  base
-- ARGV     queue; then for each job: id, token, lease_ms or '' (that of the claim, else of the job, else of the queue),
--          progress or '', checkpoint or '', line or ''.
-- Returns  now, and for each job: the new lease_until (negative when the job's cancellation was asked for), 0 (no such job)
--          or the state of a job whose lease is lost.

local processing, jobs = base .. 'processing', base .. 'job:'
local policy = call('HMGET', base .. 'policy', 'lease_ms', 'tracked')
local reply, ended, leases, said = { now }, { 'ZREM', processing }, { 'ZADD', processing }, {}
for i = 2, #ARGV, 6 do
    local id = ARGV[i]
    local key = jobs .. id
    local record
    if policy[2] then
        record = call('HMGET', key, 'state', 'token', 'lease', 'lease_ms', 'cancel')
    else
        record = call('HMGET', key, 'state', 'token', 'lease', 'lease_ms')
    end
    local worth = standing(record, ARGV[i + 1], nil)
    if worth == 'held' then
        worth = soon + (tonumber(ARGV[i + 2]) or record[3] or record[4] or policy[1] or 30000)
        ended[#ended + 1] = id
        leases[#leases + 1], leases[#leases + 2] = string.format('%.0f', worth), id
        if ARGV[i + 3] ~= '' or ARGV[i + 4] ~= '' or ARGV[i + 5] ~= '' then
            said[#said + 1] = i
        end
        if record[5] then
            worth = -worth
        end
    end
    reply[#reply + 1] = worth
end
if #ended == 2 then
    return reply
end

-- Taken out and put back, because the first write has to be one that frees memory.
call(unpack(ended))
call(unpack(leases))
for k = 1, #said do
    local i = said[k]
    local key, progress, checkpoint, line = jobs .. ARGV[i], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
    if progress ~= '' then
        call('HSET', key, 'progress', progress)
    end
    if checkpoint ~= '' then
        if not policy[2] then
            call('HSET', base .. 'policy', 'tracked', '1')
            policy[2] = '1'
        end
        call('HSET', key, 'checkpoint', checkpoint)
    end
    if line ~= '' then
        -- The last hundred lines, in a ring: line n, counted from 0, stands in `log:<n % 100>`.
        local n = call('HINCRBY', key, 'logs', 1) - 1
        call('HSET', key, string.format('log:%.0f', n % 100), line)
    end
end
return reply
