-- Moves the ends of leases (heartbeat), and keeps what the worker says of its progress.
-- KEYS[1]  base
-- ARGV     queue; then for each job: id, token, lease_ms or '' (that of the claim, else of the job, else of the queue),
--          progress or ''.
-- Returns  now, and for each job: the new lease_until, 0 (no such job) or the state of a job whose lease is lost.

local processing, jobs = base .. 'processing', base .. 'job:'
local queueLease = call('HGET', base .. 'policy', 'lease_ms') or 30000
local reply, ended, leases, told = { now }, { 'ZREM', processing }, { 'ZADD', processing }, {}
for i = 2, #ARGV, 4 do
    local id = ARGV[i]
    local key = jobs .. id
    local record = call('HMGET', key, 'state', 'token', 'lease', 'lease_ms')
    local worth = standing(record, ARGV[i + 1], nil)
    if worth == 'held' then
        worth = now + (tonumber(ARGV[i + 2]) or record[3] or record[4] or queueLease)
        ended[#ended + 1] = id
        leases[#leases + 1], leases[#leases + 2] = string.format('%.0f', worth), id
        if ARGV[i + 3] ~= '' then
            told[#told + 1], told[#told + 2] = key, ARGV[i + 3]
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
for k = 1, #told, 2 do
    call('HSET', told[k], 'progress', told[k + 1])
end
return reply
