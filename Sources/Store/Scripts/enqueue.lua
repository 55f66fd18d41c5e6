-- Takes new jobs in: to `queued`, or `scheduled` until their time. An id that is taken is a duplicate and changes nothing.
-- KEYS[1]  base
-- ARGV     queue, origin; for each job: id, type, payload, options; then the metas, then the number of jobs. Options are ''
--          or eight words, '-' for none: `front|back priority delay_ms|@run_at max_attempts lease_ms keep_ms meta backoff`,
--          where `meta` is n for the nth of the metas and the backoff is the rest, with its spaces.
-- Returns  now, and for each job: 0 (queued), the time it is scheduled for, or the state of the job that has the id.

-- The first write (HINCRBY) is one that a full Redis refuses: then nothing has happened.
local count = tonumber(ARGV[#ARGV])
if count == 0 then
    return { now }
end
local metas = count * 4 + 2
local match, jobs = string.match, base .. 'job:'
local keys, seen, reply, fresh, fronts = {}, {}, { now }, 0, 0
for k = 1, count do
    keys[k] = jobs .. ARGV[k * 4 - 1]
end
local taken = call('EXISTS', unpack(keys)) > 0
for k = 1, count do
    local key = keys[k]
    local state = seen[key] or (taken and call('HGET', key, 'state'))
    if state then
        reply[k + 1] = state
        keys[k] = false
    else
        local options = ARGV[k * 4 + 2]
        seen[key] = 'queued'
        fresh = fresh + 1
        if options ~= '' then
            local front, start = match(options, '^(%a+) %S+ (%S+)')
            if front == 'front' then
                fronts = fronts + 1
            end
            if start ~= '-' then
                call('ZCARD', base .. 'scheduled')
                local due = match(start, '^@(.*)')
                due = due and tonumber(due) or now + start
                if due > now then
                    reply[k + 1] = due
                    seen[key] = 'scheduled'
                end
            end
        end
    end
end
if fresh == 0 then
    return reply
end
local queued = base .. 'queued'
local defaultAttempts = call('HGET', base .. 'policy', 'max_attempts') or '3'
local wasEmpty = call('ZCARD', queued) == 0

local counters, seq, front = base .. 'counters', 0, 0
if fresh > fronts then
    seq = call('HINCRBY', counters, 'seq', fresh - fronts) - (fresh - fronts)
end
if fronts > 0 then
    front = call('HINCRBY', counters, 'front', fronts) - fronts
end
call('HINCRBY', counters, 'enqueued', fresh)

local format, ready, later = string.format, { 'ZADD', queued }, { 'ZADD', base .. 'scheduled' }
local r = 2
for k = 1, count do
    local key = keys[k]
    if key then
        local i = k * 4 - 1
        local id, type, options = ARGV[i], ARGV[i + 1], ARGV[i + 3]
        if options == '' then
            seq = seq + 1
            if type == '' then
                call('HSET', key, 'state', 'queued', 'payload', ARGV[i + 2], 'max_attempts', defaultAttempts,
                    'enqueued_at', at)
            else
                call('HSET', key, 'state', 'queued', 'type', type, 'payload', ARGV[i + 2], 'max_attempts',
                    defaultAttempts, 'enqueued_at', at)
            end
            ready[r + 1], ready[r + 2] = format('%.0f', seq), id
            r = r + 2
            reply[k + 1] = 0
        else
            local place, priority, attempts, lease, keep, meta, backoff =
                match(options, '^(%a+) (%S+) %S+ (%S+) (%S+) (%S+) (%S+) (.*)$')
            local due, score = reply[k + 1], 0
            if place == 'front' then
                front = front + 1
                score = -front
            else
                seq = seq + 1
                score = seq
            end
            score = format('%.0f', score - priority * 35184372088832)
            local record = {
                'HSET', key, 'state', due and 'scheduled' or 'queued', 'payload', ARGV[i + 2],
                'max_attempts', attempts ~= '-' and attempts or defaultAttempts, 'enqueued_at', at,
            }
            local f = 10
            local function field(name, value)
                record[f + 1], record[f + 2] = name, value
                f = f + 2
            end
            if type ~= '' then field('type', type) end
            if priority ~= '0' then field('priority', priority) end
            if lease ~= '-' then field('lease_ms', lease) end
            if keep ~= '-' then field('keep_ms', keep) end
            if meta ~= '-' then field('meta', ARGV[metas + meta]) end
            if backoff ~= '-' then field('backoff', backoff) end
            if due then
                local dueText = format('%.0f', due)
                field('score', score)
                field('run_at', dueText)
                later[#later + 1] = dueText
                later[#later + 1] = id
            else
                ready[r + 1], ready[r + 2] = score, id
                r = r + 2
                reply[k + 1] = 0
            end
            call(unpack(record))
        end
    end
end
if #later > 2 then
    call(unpack(later))
end
if r > 2 then
    call(unpack(ready))
    if wasEmpty then
        wake()
    end
end
return reply
