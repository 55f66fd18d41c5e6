-- Stands before the scripts that may end jobs unworked: frees unique keys, and keeps the cancelled and the expired for a
-- while, in a sorted set each, where retention finds them. Needs tell.lua.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- Frees a unique key, if this job still holds it. `unique` is the field of the record, false without one.
local function free(id, unique)
    if unique then
        local key = base .. 'unique:' .. unique
        if redis.pcall('GET', key) == id then
            call('DEL', key)
        end
    end
end

-- Removes the records of jobs that left the set of an end; those that say another state stay.
local function forget(state, ids)
    local gone = { 'DEL' }
    for k = 1, #ids do
        local key = base .. 'job:' .. ids[k]
        if call('HGET', key, 'state') == state then
            gone[#gone + 1] = key
        end
    end
    if #gone > 1 then
        call(unpack(gone))
    end
end

-- Ends jobs as `cancelled` or `expired`. The caller has looked at the type of the set (ZCARD) before its first write, and
-- has taken the jobs from where they stood, `expiry` included. Each is
-- { id = …, key = …, unique = …, keep = keep_ms of the record, attempts = …, reason = … }; what is missing is nil or false.
local function finish(state, ended)
    if #ended == 0 then
        return
    end
    local policy = call('HMGET', base .. 'policy', 'keep_ms', 'keep_count')
    local set, added, gone = base .. state, { 'ZADD', base .. state }, { 'DEL' }
    for k = 1, #ended do
        local job = ended[k]
        local keep, reason = job.keep or policy[1] or '3600000', job.reason or ''
        free(job.id, job.unique)
        if keep == '0' then
            gone[#gone + 1] = job.key
        else
            call('HDEL', job.key, 'cancel')
            call('HSET', job.key, 'state', state, 'finished_at', at)
            if reason ~= '' then
                call('HSET', job.key, 'reason', reason)
            end
            added[#added + 1], added[#added + 2] = string.format('%.0f', soon + keep), job.id
        end
        tell(state, job.id, job.attempts or 0, reason ~= '' and ' - ' .. reason or '')
    end
    call('HINCRBY', base .. 'counters', state, #ended)
    if #gone > 1 then
        call(unpack(gone))
    end
    if #added > 2 then
        call(unpack(added))
        local over = call('ZCARD', set) - (policy[2] or 100000)
        if over > 0 then
            -- Those that would go first anyhow, at most 500 a call.
            local old = call('ZRANGE', set, 0, math.min(over, 500) - 1)
            call('ZREM', set, unpack(old))
            forget(state, old)
        end
    end
end
