-- Stands before the scripts that take new jobs in: to `queued`, or `scheduled` until their time. Needs wake.lua, tell.lua.
-- KEYS[1]  base
-- ARGV     queue, origin; for each job: id, type, payload, options; then what the script behind it tells. Options are '' or
--          ten words, '-' for none: `front|back priority delay_ms|@run_at max_attempts lease_ms keep_ms meta expires_in_ms
--          unique backoff`. `meta` is n for the nth of the extras, `unique` is `n:done|claimed:ttl_ms` with the key as the
--          nth of the extras; the backoff is the rest, with its spaces.
-- Returns  nothing; `admit` returns now, and for each job: 0 (queued), the time it is scheduled for, -1 (refused: the queue
--          is full), the state of the job that has the id, or { state, id } of the job that holds the unique key.

-- What only jobs with options need; made when the first of them comes, so that plain ones do not pay for it.
local function detailed(extras, defaultAttempts)
    local FRONT, PRIORITY, START, ATTEMPTS, LEASE, KEEP, META, EXPIRES, UNIQUE, BACKOFF = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    local match, format = string.match, string.format

    -- The options as an array of the words, and named: front, priority, due, ends, unique.
    local function understand(options)
        local wish = { match(options, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (.*)$') }
        wish.front, wish.priority = wish[FRONT] == 'front', tonumber(wish[PRIORITY])
        if wish[START] ~= '-' then
            call('ZCARD', base .. 'scheduled')
            local time = match(wish[START], '^@(.*)')
            local due = time and tonumber(time) or now + wish[START]
            wish.due = due > now and due or nil
        end
        if wish[EXPIRES] ~= '-' then
            call('ZCARD', base .. 'expiry')
            wish.ends = format('%.0f', now + wish[EXPIRES])
        end
        wish.unique = wish[UNIQUE] ~= '-' and ARGV[extras + match(wish[UNIQUE], '^%d+')]
        return wish
    end

    -- Who holds a unique key: state and id, or nil. The name of a job that is gone or has ended holds nothing.
    local function holder(unique)
        local id = call('GET', base .. 'unique:' .. unique)
        local state = id and call('HGET', base .. 'job:' .. id, 'state')
        if state and state ~= 'completed' and state ~= 'dead' and state ~= 'cancelled' and state ~= 'expired' then
            return { state, id }
        end
    end

    -- Writes the record and takes the unique key; the sorted sets are the caller's.
    local function write(key, i, wish, score)
        local record, f = {
            'HSET', key, 'state', wish.due and 'scheduled' or 'queued', 'payload', ARGV[i + 2], 'max_attempts',
            wish[ATTEMPTS] ~= '-' and wish[ATTEMPTS] or defaultAttempts, 'enqueued_at', at,
        }, 10
        local function field(name, value)
            record[f + 1], record[f + 2] = name, value
            f = f + 2
        end
        if ARGV[i + 1] ~= '' then field('type', ARGV[i + 1]) end
        if wish.priority ~= 0 then field('priority', wish[PRIORITY]) end
        if wish[LEASE] ~= '-' then field('lease_ms', wish[LEASE]) end
        if wish[KEEP] ~= '-' then field('keep_ms', wish[KEEP]) end
        if wish[META] ~= '-' then field('meta', ARGV[extras + wish[META]]) end
        if wish[BACKOFF] ~= '-' then field('backoff', wish[BACKOFF]) end
        if wish.ends then field('expires_at', wish.ends) end
        if wish.due then
            field('score', score)
            field('run_at', format('%.0f', wish.due))
        end
        if wish.unique then
            local till, ttl = match(wish[UNIQUE], ':(%a+):(.*)$')
            field('unique', wish.unique)
            field('unique_until', till)
            if ttl == '-' then
                call('SET', base .. 'unique:' .. wish.unique, ARGV[i])
            else
                -- For `check`: the key may be gone before the job is.
                field('unique_loose', '1')
                call('SET', base .. 'unique:' .. wish.unique, ARGV[i], 'PX', ttl)
            end
        end
        call(unpack(record))
    end
    return understand, holder, write
end

-- The first write is one that a full Redis refuses: then nothing has happened. The nth of the extras is ARGV[extras + n].
local function admit(count, extras)
    local queued, jobs = base .. 'queued', base .. 'job:'
    local policy = call('HMGET', base .. 'policy', 'max_attempts', 'max_len', 'order', 'listened')
    local defaultAttempts, isLifo = policy[1] or '3', policy[3] == 'lifo'
    local waiting = call('ZCARD', queued)
    local room = policy[2] and policy[2] - waiting - call('ZCARD', base .. 'scheduled') - call('ZCARD', base .. 'retrying')
    local keys, seen, reply, fresh, fronts = {}, {}, { now }, 0, 0
    for k = 1, count do
        keys[k] = jobs .. ARGV[k * 4 - 1]
    end
    local taken = call('EXISTS', unpack(keys)) > 0

    local wishes, holders, tracks, understand, holder, write = {}, {}, false, nil, nil, nil
    for k = 1, count do
        local key, options = keys[k], ARGV[k * 4 + 2]
        local state, wish = seen[key] or (taken and call('HGET', key, 'state')), nil
        if not state and options ~= '' then
            if not understand then
                understand, holder, write = detailed(extras, defaultAttempts)
            end
            wish = understand(options)
            state = wish.unique and (holders[wish.unique] or holder(wish.unique))
        end
        if not state and room then
            state = room <= 0 and -1
            room = room - 1
        end
        if state then
            reply[k + 1], keys[k] = state, false
        else
            fresh = fresh + 1
            seen[key] = 'queued'
            if wish then
                wishes[k] = wish
                seen[key] = wish.due and 'scheduled' or 'queued'
                fronts = fronts + (wish.front and 1 or 0)
                tracks = tracks or wish.unique or wish.ends
                if wish.unique then
                    holders[wish.unique] = { seen[key], ARGV[k * 4 - 1] }
                end
            end
        end
    end
    if fresh == 0 then
        return reply
    end

    local counters, seq, front = base .. 'counters', 0, 0
    if isLifo then
        fronts = fresh
    end
    if fresh > fronts then
        seq = call('HINCRBY', counters, 'seq', fresh - fronts) - (fresh - fronts)
    end
    if fronts > 0 then
        front = call('HINCRBY', counters, 'front', fronts) - fronts
    end
    local isFirst = call('HINCRBY', counters, 'enqueued', fresh) == fresh
    local isListened = isFirst or policy[4] and tonumber(policy[4]) > now
    if isFirst then
        -- For a second all is told: who listens to all queues hears of the new one at once.
        call('HSET', base .. 'policy', 'listened', string.format('%.0f', math.max(tonumber(policy[4]) or 0, now + 1000)))
    end
    if tracks then
        call('HSET', base .. 'policy', 'tracked', '1')
    end

    local format, ready, later, ends, r = string.format, { 'ZADD', queued }, { 'ZADD', base .. 'scheduled' },
        { 'ZADD', base .. 'expiry' }, 2
    for k = 1, count do
        local key = keys[k]
        if key then
            local i, wish, score, due = k * 4 - 1, wishes[k], nil, nil
            local id, type = ARGV[i], ARGV[i + 1]
            if isLifo or wish and wish.front then
                front = front + 1
                score = -front
            else
                seq = seq + 1
                score = seq
            end
            if wish then
                due = wish.due
                score = format('%.0f', score - wish.priority * 35184372088832)
                write(key, i, wish, score)
                if wish.ends then
                    ends[#ends + 1], ends[#ends + 2] = wish.ends, id
                end
            else
                score = format('%.0f', score)
                if type == '' then
                    call('HSET', key, 'state', 'queued', 'payload', ARGV[i + 2], 'max_attempts', defaultAttempts,
                        'enqueued_at', at)
                else
                    call('HSET', key, 'state', 'queued', 'type', type, 'payload', ARGV[i + 2], 'max_attempts',
                        defaultAttempts, 'enqueued_at', at)
                end
            end
            if due then
                later[#later + 1], later[#later + 2] = format('%.0f', due), id
            else
                ready[r + 1], ready[r + 2] = score, id
                r = r + 2
            end
            reply[k + 1] = due or 0
            if isListened then
                tell('enqueued', id, 0, due and format(' %.0f', due) or '')
            end
        end
    end
    if #ends > 2 then
        call(unpack(ends))
    end
    if #later > 2 then
        call(unpack(later))
    end
    if r > 2 then
        call(unpack(ready))
        if waiting == 0 then
            wake()
        end
    end
    return reply
end
