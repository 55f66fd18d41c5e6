-- Takes new jobs in: to `queued`, or `scheduled` until their time. Stands in the scripts that enqueue, behind their heads,
-- which declare `count`, `keys` and `reply`; passed by when one of these has made the reply. Needs rules.lua, wake.lua,
-- wish.lua.
-- KEYS[1]  base
-- ARGV     as in wish.lua.
-- Returns  nothing. Leaves in `reply` now, and for each job: 0 (queued), the time it is scheduled for, -1 (refused: the
--          queue is full), the state of the job that has the id, or { state, id } of the job that holds the unique key; and
--          in `keys` the keys of the new records, false for the other jobs.

-- Plain jobs pay for nothing that only others need, not even for the tables.
if not reply then
    local queued, jobs, waiting = base .. 'queued', base .. 'job:', call('ZCARD', base .. 'queued')
    local room = policy.max_len
        and policy.max_len - waiting - call('ZCARD', base .. 'scheduled') - call('ZCARD', base .. 'retrying')
    local seen, fresh, fronts, wishes, holders, tracks = {}, 0, 0, nil, nil, false
    reply, keys = { now }, {}
    for k = 1, count do
        keys[k] = jobs .. ARGV[k * 4 - 1]
    end
    local taken = call('EXISTS', unpack(keys)) > 0
    if not isPlain then
        wishes, holders = {}, {}
    end
    for k = 1, count do
        local key, options = keys[k], ARGV[k * 4 + 2]
        local state, wish = seen[key] or (taken and call('HGET', key, 'state')), nil
        if not state and options ~= '' then
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

    if fresh > 0 then
        -- The first write is one that a full Redis refuses: then nothing has happened.
        local counters, defaultAttempts, isLifo = base .. 'counters', policy.max_attempts or '3', policy.order == 'lifo'
        local format, seq, front = string.format, 0, 0
        if isLifo then
            fronts = fresh
        end
        if fresh > fronts then
            seq = call('HINCRBY', counters, 'seq', format('%d', fresh - fronts)) - (fresh - fronts)
        end
        if fronts > 0 then
            front = call('HINCRBY', counters, 'front', format('%d', fronts)) - fronts
        end
        if call('HINCRBY', counters, 'enqueued', format('%d', fresh)) == fresh then
            -- The queue's first job: for a second all is told, so that who listens to all queues hears of the new one.
            isListened = true
            local till = math.max(tonumber(policy.listened) or 0, now + 1000)
            call('HSET', base .. 'policy', 'listened', format('%.0f', till))
        end
        if tracks then
            call('HSET', base .. 'policy', 'tracked', '1')
        end

        local ready, later, ends, r = { 'ZADD', queued }, nil, nil, 2
        local number = seq + fresh < 2147483648 and '%d' or '%.0f'
        for k = 1, count do
            local key = keys[k]
            if key then
                local i, wish, score, due = k * 4 - 1, wishes and wishes[k], nil, nil
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
                    write(key, i, wish, score, defaultAttempts)
                    if wish.ends then
                        ends = ends or { 'ZADD', base .. 'expiry' }
                        ends[#ends + 1], ends[#ends + 2] = wish.ends, id
                    end
                else
                    score = format(number, score)
                    if type == '' then
                        call('HSET', key, 'state', 'queued', 'payload', ARGV[i + 2], 'max_attempts', defaultAttempts,
                            'enqueued_at', at)
                    else
                        call('HSET', key, 'state', 'queued', 'type', type, 'payload', ARGV[i + 2], 'max_attempts',
                            defaultAttempts, 'enqueued_at', at)
                    end
                end
                if due then
                    later = later or { 'ZADD', base .. 'scheduled' }
                    later[#later + 1], later[#later + 2] = format('%.0f', due), id
                else
                    ready[r + 1], ready[r + 2] = score, id
                    r = r + 2
                end
                reply[k + 1] = due or 0
            end
        end
        if ends then
            call(unpack(ends))
        end
        if later then
            call(unpack(later))
        end
        if r > 2 then
            call(unpack(ready))
            if waiting == 0 then
                wake()
            end
        end
    end
end
