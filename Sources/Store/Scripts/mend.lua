-- Stands before `check`: what must hold for one job, by its record and by where it stands. Needs wake.lua and tell.lua.
-- KEYS[1]  base
-- ARGV[2], ARGV[3]  origin; `repair`, or `report` to change nothing.
-- Returns  nothing.

local CLASS = 35184372088832
local jobs, counters, repairs, found = base .. 'job:', base .. 'counters', ARGV[3] == 'repair', {}
local open = { queued = true, scheduled = true, retrying = true, processing = true }
local closed = { completed = true, dead = true, cancelled = true, expired = true }
local policy = call('HMGET', base .. 'policy', 'keep_ms', 'max_attempts', 'tracked')
local keepMs, maxAttempts, tracked = policy[1] or 3600000, policy[2] or '3', policy[3]
local last = { seq = 0, front = 0, token = 0 }
for name in pairs(last) do
    last[name] = tonumber(call('HGET', counters, name)) or 0
end
local wakes = false

local function text(number)
    return string.format('%.0f', number)
end

-- Notes what must not be, by the number of the invariant; true when it is to be put right.
local function report(invariant, id, what)
    found[#found + 1] = { invariant, id, what, repairs and 1 or 0 }
    return repairs
end

local FIELDS = {
    'state', 'token', 'attempts', 'priority', 'score', 'run_at', 'keep_ms', 'claimed_at', 'finished_at', 'dead_entry',
    'expires_at', 'unique', 'unique_until', 'unique_loose', 'cancel', 'checkpoint',
}
local function look(id)
    local job = { id = id, key = jobs .. id }
    local values = call('HMGET', job.key, unpack(FIELDS))
    for k = 1, #FIELDS do
        job[FIELDS[k]] = values[k]
    end
    return job
end

-- A counter that gives out numbers must not be behind one that is in use.
local function raise(name, invariant, id, number)
    if number > last[name]
        and report(invariant, id, counters .. ' has ' .. name .. ' ' .. text(last[name]) .. ', but ' .. text(number)
            .. ' is in use') then
        call('HSET', counters, name, text(number))
    end
    last[name] = math.max(last[name], number)
end

local function numbers(job)
    local number = tonumber(string.match(job.token or '', '^(%d+)%-'))
    if number then
        raise('token', 3, job.id, number)
    end
    local score = tonumber(job.score)
    if score then
        local place = score + (tonumber(job.priority) or 0) * CLASS
        raise(place < 0 and 'front' or 'seq', 9, job.id, math.abs(place))
    end
end

-- When the record of an ended job goes.
local function ends(job)
    return (tonumber(job.finished_at) or now) + 1 + (job.keep_ms or keepMs)
end

-- Puts a job where its state says, with all that the other scripts count on there.
local function put(job)
    local id, key, state = job.id, job.key, job.state
    call('HSETNX', key, 'payload', 'null')
    call('HSETNX', key, 'max_attempts', maxAttempts)
    call('HSETNX', key, 'enqueued_at', at)
    if not job.score and (state == 'queued' or state == 'scheduled' or state == 'processing') then
        last.seq = call('HINCRBY', counters, 'seq', 1)
        job.score = text(last.seq - (job.priority or 0) * CLASS)
        call('HSET', key, 'score', job.score)
    end
    if state == 'queued' then
        call('ZADD', base .. 'queued', job.score, id)
        wakes = true
    elseif state == 'scheduled' or state == 'retrying' then
        call('ZADD', base .. state, job.run_at or at, id)
    elseif state == 'processing' then
        -- The next sweep ends the attempt.
        call('HSETNX', key, 'attempts', 1)
        call('HSETNX', key, 'claimed_at', at)
        call('ZADD', base .. 'processing', at, id)
    elseif state == 'dead' then
        local rest = call('HMGET', key, 'type', 'reason', 'error', 'payload')
        local entry = call('XADD', base .. 'dead', '*', 'job', queue .. '/' .. id, 'type', rest[1] or '', 'reason',
            rest[2] or '', 'attempts', job.attempts or '0', 'error', rest[3] or '', 'payload', rest[4])
        call('HSET', key, 'dead_entry', entry)
    elseif state ~= 'completed' then
        call('ZADD', base .. state, text(ends(job)), id)
    end
end

-- Whether an entry of the dead stream is this job's.
local function isLetter(job, entry)
    local digits = string.match(entry or '', '^(%d+)%-%d+$')
    local letter = digits and #digits <= 15 and call('XRANGE', base .. 'dead', entry, entry)[1]
    return letter and letter[2][2] == queue .. '/' .. job.id
end

-- 2 and 3: a state, a token while it is processed, and a place. False: there is nothing left of it.
local function stands(job)
    local id, state = job.id, job.state
    if not open[state] and not closed[state] then
        if call('EXISTS', job.key) == 0 then
            return false
        end
        if not report(2, id, job.key .. ' says no state of a job') then
            return false
        end
        for place in pairs(open) do
            call('ZREM', base .. place, id)
        end
        call('HSET', job.key, 'state', 'queued')
        job.state = 'queued'
        put(job)
    elseif state == 'processing' and (job.token or '') == '' then
        if report(3, id, 'it is processing, but ' .. job.key .. ' has no token') then
            call('ZREM', base .. 'processing', id)
            call('HSET', job.key, 'state', 'queued', 'attempts', math.max((tonumber(job.attempts) or 0) - 1, 0))
            job.state = 'queued'
            put(job)
        end
    elseif state == 'dead' then
        if not isLetter(job, job.dead_entry)
            and report(2, id, 'it is dead, but ' .. base .. 'dead has no entry of it') then
            put(job)
        end
    elseif state ~= 'completed' and not call('ZSCORE', base .. state, id)
        and report(2, id, 'it is ' .. state .. ', but ' .. base .. state .. ' does not name it') then
        put(job)
    end
    return true
end

-- 8: a record lives until its job has ended and its time is over.
local function lasts(job)
    local id, state, left = job.id, job.state, call('PTTL', job.key)
    if state == 'completed' then
        if left == -1 and report(8, id, job.key .. ' is completed and has no time to live')
            or job.keep_ms and left > ends(job) - now + 1000
                and report(8, id, job.key .. ' has a longer time to live than its keep_ms') then
            call('PEXPIREAT', job.key, text(ends(job)))
        end
        return
    end
    if left >= 0 and report(8, id, job.key .. ' is ' .. state .. ' and has a time to live') then
        call('PERSIST', job.key)
    end
    if (state == 'cancelled' or state == 'expired') and job.keep_ms then
        local until_ = tonumber(call('ZSCORE', base .. state, id))
        if until_ and until_ > ends(job) + 1000
            and report(8, id, base .. state .. ' keeps it longer than its keep_ms') then
            call('ZADD', base .. state, text(ends(job)), id)
        end
    end
end

-- Whether this job may hold the unique key. What is claimed may have given it up.
local function holds(id, unique)
    local record = call('HMGET', jobs .. id, 'state', 'unique', 'unique_until', 'attempts')
    return open[record[1]] and record[2] == unique
        and not (record[3] == 'claimed' and (tonumber(record[4]) or 0) > 0)
end

-- 8: what a living job asked for (its end if it does not start, its unique key) stands where the scripts look for it.
local function keeps(job)
    local id = job.id
    if not open[job.state] then
        return
    end
    if not tracked and (job.unique or job.expires_at or job.cancel or job.checkpoint) then
        if report(8, id, base .. 'policy does not say `tracked`, which this job needs') then
            call('HSET', base .. 'policy', 'tracked', '1')
        end
        tracked = '1'
    end
    if job.expires_at and (job.state == 'queued' or job.state == 'scheduled') and (job.attempts or '0') == '0'
        and not call('ZSCORE', base .. 'expiry', id)
        and report(8, id, 'it has a time to expire, but ' .. base .. 'expiry does not name it') then
        call('ZADD', base .. 'expiry', job.expires_at, id)
    end
    -- A key with a time to live of its own, and one that another job had when this one came back, may be missing.
    if job.unique and not job.unique_loose and (job.unique_until ~= 'claimed' or not job.claimed_at) then
        local key = base .. 'unique:' .. job.unique
        local holder = call('GET', key)
        if holder and holder ~= id and holds(holder, job.unique) then
            if report(8, id, key .. ' names ' .. holder .. ', and this job has the same unique key') then
                call('HSET', job.key, 'unique_loose', '1')
            end
        elseif holder ~= id and report(8, id, key .. ' does not name the job that has this unique key') then
            call('SET', key, id)
        end
    end
end

-- All of it for one job.
local function examine(id)
    local job = look(id)
    if stands(job) then
        lasts(job)
        keeps(job)
        numbers(job)
    end
end
