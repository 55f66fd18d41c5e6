-- Moves the due times of a queue after the server's clock was set back: what was due in two seconds is due in two seconds
-- again. A bounded step; call again until none is left. The first one copies what has to move, so that each entry moves once,
-- whoever calls, however often, and whatever happens in between. What was given its time by the new clock stays: it is
-- too early for the old one, or its record says when it was made.
-- KEYS[1]  base
-- ARGV     queue; by how much the clock was set back in all; how much of that the queue had applied when it was enlisted; since
--          when (by the new clock) things may have been made by it.
-- Returns  now, 1 if this was not all, else 0.

local SETS = { 'processing', 'scheduled', 'retrying', 'expiry', 'cancelled', 'expired', 'unique_ends' }
local BOUND, rules, completed, text = 250, base .. 'policy', base .. 'completed', '%.0f'
if call('EXISTS', rules, base .. 'counters') == 0 then
    return { now, 0 }
end
local state = call('HMGET', rules, 'moved', 'moving', 'paused', 'listened', 'moving_at', 'keep_ms')
local total, since = tonumber(ARGV[2]), tonumber(ARGV[4])
local by, place = tonumber(state[2]), tonumber(state[5]) or 0
if not by then
    by = total - math.max(tonumber(state[1]) or 0, tonumber(ARGV[3]))
    if by <= 0 then
        return { now, 0 }
    end
    -- What is due before that was put there by the new clock.
    local least = now + math.floor(by / 2)
    for k = 1, #SETS do
        call('ZRANGESTORE', base .. 'moving:' .. SETS[k], base .. SETS[k], string.format(text, least), '+inf', 'BYSCORE')
    end
    call('HSET', rules, 'moved', string.format(text, total), 'moving', string.format(text, by))
    for field, value in pairs({ paused = state[3], listened = state[4] }) do
        if value and tonumber(value) >= least then
            call('HSET', rules, field, string.format(text, value - by))
        end
    end
end

-- Whether the new clock made it, by what its record says.
local function isNew(stamp)
    stamp = tonumber(stamp)
    return stamp and stamp >= since and stamp <= now
end

local STAMPS = { processing = 'claimed_at', scheduled = 'enqueued_at' }
local FIELDS = { scheduled = 'run_at', retrying = 'run_at', expiry = 'expires_at' }
local function moveSome(set, room)
    local copy, source = base .. 'moving:' .. set, base .. set
    local entries, ids = call('ZRANGE', copy, 0, room - 1, 'WITHSCORES'), {}
    if #entries == 0 then
        return 0
    end
    for i = 1, #entries, 2 do
        ids[#ids + 1] = entries[i]
    end
    local scores, moved = call('ZMSCORE', source, unpack(ids)), { 'ZADD', source, 'XX' }
    for k = 1, #ids do
        local score, key = entries[2 * k], base .. 'job:' .. ids[k]
        local record = call('HMGET', key, STAMPS[set] or 'state', FIELDS[set] or 'state', 'unique')
        if scores[k] == score and not (STAMPS[set] and isNew(record[1])) then
            local time = string.format(text, score - by)
            moved[#moved + 1], moved[#moved + 2] = time, ids[k]
            if FIELDS[set] and record[2] == score then
                call('HSET', key, FIELDS[set], time)
            end
            local unique = set == 'unique_ends' and record[3] and base .. 'unique:' .. record[3]
            if unique and redis.pcall('GET', unique) == ids[k] then
                call('PEXPIRE', unique, string.format(text, math.max(time - now, 1)))
            end
        end
    end
    call('ZREMRANGEBYRANK', copy, 0, #ids - 1)
    if #moved > 3 then
        call(unpack(moved))
    end
    return #ids
end

-- Records of completed jobs have a time to live instead of a place. The oldest stand at the end of the list.
local function moveCompleted(room)
    local ids = call('LRANGE', completed, -place - room, -place - 1)
    for k = 1, #ids do
        local key = base .. 'job:' .. ids[k]
        local record = call('HMGET', key, 'state', 'finished_at')
        local left = record[1] == 'completed' and not isNew(record[2]) and call('PTTL', key) or -1
        if left > 0 then
            call('PEXPIRE', key, string.format(text, math.max(left - by, 1)))
        end
    end
    place = place + #ids
    call('HSET', rules, 'moving_at', string.format(text, place))
    return #ids
end

local room = BOUND
for k = 1, #SETS do
    if room > 0 then
        room = room - moveSome(SETS[k], room)
    end
end
if room > 0 and moveCompleted(room) < room then
    call('HDEL', rules, 'moving', 'moving_at')
    -- The clock may have been set again meanwhile.
    return { now, total > tonumber(call('HGET', rules, 'moved')) and 1 or 0 }
end
return { now, 1 }
