-- Stands before the scripts that claim: hands the best queued jobs to claims, each with a new token and a lease. Needs
-- rules.lua.
-- KEYS[1]  base
-- ARGV     from `first` to `last`: for each claim: max, lease_ms or '', worker; then the room in bytes, the nonce of this
--          call, and jobs wanted in all (≤ 100).
-- Returns  nothing; `take` returns what the head of claim.lua tells.

-- Since when a job could have been claimed: run_at, false for enqueued_at, or '0' when that is not known, because it came back
-- from a worker without a time of its own.
local function readyAt(enqueued, run, claimed)
    if claimed and tonumber(claimed) >= tonumber(run or enqueued) then
        return '0'
    end
    return run
end

-- What a job takes of the room: its JSON, and what the answer puts around it.
local used, room, takesAny, isFull = 0, nil, true, false
local function fits(payload, meta, checkpoint)
    local size = #(payload or '') + #(meta or '') + #(checkpoint or '') + 1024
    if used + size > room and not (used == 0 and takesAny) then
        isFull = true
        return false
    end
    used = used + size
    return true
end

-- `choose` is that of choose.lua, or nil when it is not needed: the queue is not `isSpecial`.
local isSpecial = policy.tracked or policy.aging_ms
local function take(first, last, choose)
    if isPaused then
        return { now, 1 }
    end
    local queued, processing, wanted = base .. 'queued', base .. 'processing', tonumber(ARGV[last])
    room = tonumber(ARGV[last - 2])
    takesAny, room = room >= 0, math.abs(room)
    local found = call('ZRANGEBYSCORE', queued, '-inf', '+inf', 'WITHSCORES', 'LIMIT', '0', ARGV[last])
    if #found == 0 then
        return { now, 0 }
    end
    local counters = call('HMGET', base .. 'counters', 'token', 'claimed')
    local n = math.max((tonumber(counters[1]) or 0) + 1, micros)
    call('ZCARD', processing)

    local reply, keys, scores, got = { now, 0, n }, {}, {}, 0
    if choose then
        got = choose(wanted, found, tonumber(policy.aging_ms), reply, keys, scores)
    else
        -- Names without a queued record are left out, and leave `queued` with the rest; for them further ones are looked at.
        local looked, jobs = 0, base .. 'job:'
        repeat
            for i = 1, #found, 2 do
                local key = jobs .. found[i]
                local record = call('HMGET', key, 'state', 'type', 'payload', 'meta', 'attempts', 'max_attempts',
                    'enqueued_at', 'lease_ms', 'run_at', 'claimed_at')
                if record[1] == 'queued' then
                    if not fits(record[3], record[4]) then
                        break
                    end
                    got = got + 1
                    record[1] = found[i]
                    record[9], record[10] = readyAt(record[7], record[9], record[10]) or nil, nil
                    keys[got], scores[got], reply[got + 3] = key, found[i + 1], record
                end
                looked = looked + 1
            end
            if isFull or got == wanted or looked >= 400 or #found < 2 then
                break
            end
            found = call('ZRANGE', queued, looked, looked + wanted - got - 1, 'WITHSCORES')
        until #found == 0
        -- The first write frees memory, so that a full Redis can be drained.
        if looked > 0 then
            call('ZREMRANGEBYRANK', queued, '0', looked - 1)
        end
    end
    reply[2] = isFull and 2 or 0
    if got == 0 then
        return { now, reply[2] }
    end

    -- `lease` is only written when it is not what the record or the queue says anyhow; see extend.lua.
    local format, nonce, leases = string.format, ARGV[last - 1], { 'ZADD', processing }
    local c, left, z = first, tonumber(ARGV[first]), 2
    local chosen, worker = ARGV[first + 1], ARGV[first + 2]
    local defaultLease, lease, untilText = policy.lease_ms or '30000', nil, nil
    -- A token begins with n. Two pieces of it are printed faster than the whole, and with all its digits.
    local high, low = format('%.0f', math.floor(n / 1000000)), n % 1000000
    for k = 1, got do
        while left == 0 do
            c = c + 3
            left, chosen, worker = tonumber(ARGV[c]), ARGV[c + 1], ARGV[c + 2]
        end
        left = left - 1
        local record, token = reply[k + 3], format('%s%06d-%s', high, low, nonce)
        local wish, attempts = chosen ~= '' and chosen or record[8] or defaultLease, record[5]
        if wish ~= lease then
            lease, untilText = wish, format('%.0f', soon + wish)
        end
        if attempts or chosen ~= '' then
            attempts = attempts and format('%.0f', attempts + 1) or '1'
            call('HSET', keys[k], 'state', 'processing', 'attempts', attempts, 'token', token, 'claimed_at', at, 'score',
                scores[k], 'lease', lease, 'worker', worker)
        else
            attempts = '1'
            if worker == '' then
                call('HSET', keys[k], 'state', 'processing', 'attempts', attempts, 'token', token, 'claimed_at', at, 'score',
                    scores[k])
            else
                call('HSET', keys[k], 'state', 'processing', 'attempts', attempts, 'token', token, 'claimed_at', at, 'score',
                    scores[k], 'worker', worker)
            end
        end
        record[5], record[8] = attempts, lease
        low = low + 1
        if low == 1000000 then
            high, low = format('%.0f', math.floor((n + k) / 1000000)), 0
        end
        leases[z + 1], leases[z + 2] = untilText, record[1]
        z = z + 2
    end
    call(unpack(leases))
    call('HSET', base .. 'counters', 'token', format('%.0f', n + got - 1), 'claimed', (counters[2] or 0) + got)
    return reply
end
