-- Stands before admit.lua: what jobs with options need, when there is one among the new jobs.
-- KEYS[1]  base
-- ARGV     queue, origin; for each job: id, type, payload, options; then the extras. Options are '' or ten words, '-' for
--          none: `front|back priority delay_ms|@run_at max_attempts lease_ms keep_ms meta expires_in_ms unique backoff`.
--          `meta` is n for the nth of the extras, `unique` is `n:done|claimed:ttl_ms` with the key as the nth of the extras;
--          the backoff is the rest, with its spaces.
-- Returns  nothing.

local isPlain, understand, holder, write = true, nil, nil, nil
for k = 1, count do
    isPlain = isPlain and ARGV[k * 4 + 2] == ''
end
if not isPlain then
    local match, format, extras = string.match, string.format, count * 4 + 2
    local PLACE, PRIORITY, START, ATTEMPTS, LEASE, KEEP, META, EXPIRES, UNIQUE, BACKOFF = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

    -- The options as an array of the words, and by name: front, priority, due, ends (as text), unique.
    understand = function(options)
        local wish = { match(options, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (.*)$') }
        wish.front, wish.priority = wish[PLACE] == 'front', tonumber(wish[PRIORITY])
        if wish[START] ~= '-' then
            call('ZCARD', base .. 'scheduled')
            local time = match(wish[START], '^@(.*)')
            if time then
                wish.due = tonumber(time) > now and tonumber(time) or nil
            elseif wish[START] ~= '0' then
                wish.due = soon + wish[START]
            end
        end
        if wish[EXPIRES] ~= '-' then
            call('ZCARD', base .. 'expiry')
            wish.ends = format('%.0f', soon + wish[EXPIRES])
        end
        if wish[UNIQUE] ~= '-' then
            wish.unique = ARGV[extras + match(wish[UNIQUE], '^%d+')]
            call('ZCARD', base .. 'unique_ends')
        end
        return wish
    end

    -- Who holds a unique key: state and id, or nil. The name of a job that is gone or has ended holds nothing.
    holder = function(unique)
        local id = call('GET', base .. 'unique:' .. unique)
        local state = id and call('HGET', base .. 'job:' .. id, 'state')
        if state and state ~= 'completed' and state ~= 'dead' and state ~= 'cancelled' and state ~= 'expired' then
            return { state, id }
        end
    end

    -- Writes the record of the job at ARGV[i], and takes its unique key; the sorted sets are the caller's.
    write = function(key, i, wish, score, defaultAttempts)
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
                -- For `move`: a key's own time to live says nothing of the clock it was counted by.
                call('ZREMRANGEBYSCORE', base .. 'unique_ends', '-inf', at)
                call('ZADD', base .. 'unique_ends', format('%.0f', now + ttl), ARGV[i])
            end
        end
        call(unpack(record))
    end
end
