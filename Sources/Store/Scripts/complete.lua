-- Ends attempts well: the jobs leave `processing`, their records stay for `keep_ms`, their ids join the capped history.
-- KEYS[1]  base
-- ARGV     queue; then for each job: id, token, result or ''.
-- Returns  now, and for each job: 1 (completed, now or before), 0 (no such job) or the state of a job whose lease is lost.

local completed, jobs, isTracked = base .. 'completed', base .. 'job:', policy.tracked
call('LLEN', completed)
local reply, held, ended, e, tracked = { now }, {}, { 'ZREM', base .. 'processing' }, 2, nil
for i = 2, #ARGV, 3 do
    local id = ARGV[i]
    local key = jobs .. id
    local record = isTracked and call('HMGET', key, 'state', 'token', 'attempts', 'keep_ms', 'unique', 'cancel')
        or call('HMGET', key, 'state', 'token', 'attempts', 'keep_ms')
    local worth = standing(record, ARGV[i + 1], 'completed')
    if worth == 'held' then
        if record[5] or record[6] then
            tracked = tracked or {}
            tracked[#tracked + 1] = { id = id, key = key, unique = record[5], cancel = record[6] }
        end
        record[1], record[2], record[5] = key, id, ARGV[i + 2]
        e = e + 1
        held[e - 2], ended[e] = record, id
        worth = 1
    elseif worth == 'ended' then
        worth = 1
    end
    reply[#reply + 1] = worth
end
if e == 2 then
    return reply
end
local count = e - 2

-- The first write frees memory. It removes fewer than asked when a job stands twice in this call.
if call(unpack(ended)) < count then
    local once, seen = {}, {}
    for k = 1, count do
        local id = held[k][2]
        if not seen[id] then
            seen[id] = true
            once[#once + 1] = held[k]
        end
    end
    held, count = once, #once
end
for k = 1, tracked and #tracked or 0 do
    local job = tracked[k]
    local unique = job.unique and base .. 'unique:' .. job.unique
    if unique and redis.pcall('GET', unique) == job.id then
        call('DEL', unique)
    end
    if job.cancel then
        call('HDEL', job.key, 'cancel')
    end
end
local kept, dropped, lines, defaultKeep = { 'LPUSH', completed }, { 'DEL' }, {}, policy.keep_ms or '3600000'
for k = 1, count do
    local record = held[k]
    local key, id, keep, result = record[1], record[2], record[4] or defaultKeep, record[5]
    if keep == '0' then
        dropped[#dropped + 1] = key
    else
        if result == '' then
            call('HSET', key, 'state', 'completed', 'finished_at', at)
        else
            call('HSET', key, 'state', 'completed', 'finished_at', at, 'result', result)
        end
        call('PEXPIRE', key, keep)
        kept[#kept + 1] = id
    end
    lines[k] = id .. ' ' .. record[3]
end
if #dropped > 1 then
    call(unpack(dropped))
end
if #kept > 2 then
    local over = call(unpack(kept)) - (policy.keep_count or 100000)
    if over > 0 then
        -- Oldest out, at most 500 a call. An id may by now be that of a newer job, which stays.
        local old, gone = call('RPOP', completed, math.min(over, 500)), { 'DEL' }
        for k = 1, #old do
            old[k] = jobs .. old[k]
        end
        if call('EXISTS', unpack(old)) > 0 then
            for k = 1, #old do
                if call('HGET', old[k], 'state') == 'completed' then
                    gone[#gone + 1] = old[k]
                end
            end
            if #gone > 1 then
                call(unpack(gone))
            end
        end
    end
end
call('HINCRBY', base .. 'counters', 'completed', count)
publish(count, 'completed ' .. table.concat(lines, '\ncompleted '))
return reply
