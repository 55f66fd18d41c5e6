-- Takes plain new jobs in and puts them straight into the hands of claims that wait for them: enqueue and claim in one.
-- KEYS[1]  base
-- ARGV     queue, origin; for each job: id, type, payload, ''; for each claim: max, lease_ms or '', worker; then the room in
--          bytes, which these jobs have, the nonce of this call, the jobs wanted in all, and the number of jobs.
-- Returns  now; for each job what the enqueue script says of it; last what the claim script returns.

-- An empty queue has nobody before these jobs, and no other claim can come between: what is handed over never stands in
-- `queued` and is written once. That halves the work of a queue whose workers wait. In all other cases, and for a queue's
-- first jobs, it is an enqueue with a claim behind it. The rules are those of admit.lua and take.lua; the first write (HSET)
-- is one that a full Redis refuses: then nothing has happened, and the claims find what is there by the claim script.
local count, keys, reply, given = tonumber(ARGV[#ARGV]), nil, nil, nil
local firstClaim, lastClaim, counters = count * 4 + 3, #ARGV - 1, base .. 'counters'
local isOpen = call('ZCARD', base .. 'queued') == 0 and not isPaused and policy.order ~= 'lifo' and not policy.max_len
local total = isOpen and call('HMGET', counters, 'seq', 'enqueued', 'token', 'claimed')
if isOpen and total[2] and total[2] ~= '0' then
    local jobs, queued, processing, seen, fresh = base .. 'job:', base .. 'queued', base .. 'processing', {}, 0
    keys, reply, given = {}, { now }, { now, 0 }
    for k = 1, count do
        keys[k] = jobs .. ARGV[k * 4 - 1]
    end
    local taken = call('EXISTS', unpack(keys)) > 0
    for k = 1, count do
        local key = keys[k]
        local state = seen[key] or (taken and call('HGET', key, 'state'))
        if state then
            reply[k + 1], keys[k] = state, false
        else
            seen[key], reply[k + 1] = 'queued', 0
            fresh = fresh + 1
        end
    end
    if fresh > 0 then
        call('ZCARD', processing)
        local format, handed = string.format, math.min(tonumber(ARGV[lastClaim]), fresh)
        local seq, n = tonumber(total[1]) or 0, math.max((tonumber(total[3]) or 0) + 1, micros)
        call('HSET', counters, 'seq', format('%.0f', seq + fresh), 'enqueued', format('%.0f', total[2] + fresh), 'token',
            format('%.0f', n + handed - 1), 'claimed', format('%.0f', (total[4] or 0) + handed))

        local maxAttempts, defaultLease, nonce = policy.max_attempts or '3', policy.lease_ms or '30000', ARGV[lastClaim - 1]
        local number = seq + fresh < 2147483648 and '%d' or '%.0f'
        local leases, ready, r, z, c = { 'ZADD', processing }, { 'ZADD', queued }, 2, 2, firstClaim
        local left, chosen, worker = tonumber(ARGV[c]), ARGV[c + 1], ARGV[c + 2]
        local high, low, lease, untilText = format('%.0f', math.floor(n / 1000000)), n % 1000000, nil, nil
        given[3] = n
        for k = 1, count do
            local key = keys[k]
            if key then
                local i = k * 4 - 1
                local id, type, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2]
                seq = seq + 1
                local score = format(number, seq)
                local record = {
                    'HSET', key, 'state', 'queued', 'payload', payload, 'max_attempts', maxAttempts, 'enqueued_at', at,
                }
                local f = 10
                if type ~= '' then
                    record[f + 1], record[f + 2] = 'type', type
                    f = f + 2
                end
                if #given - 3 < handed then
                    while left == 0 do
                        c = c + 3
                        left, chosen, worker = tonumber(ARGV[c]), ARGV[c + 1], ARGV[c + 2]
                    end
                    left = left - 1
                    local wish = chosen ~= '' and chosen or defaultLease
                    if wish ~= lease then
                        lease, untilText = wish, format('%.0f', soon + wish)
                    end
                    record[4] = 'processing'
                    record[f + 1], record[f + 2] = 'attempts', '1'
                    record[f + 3], record[f + 4] = 'token', format('%s%06d-%s', high, low, nonce)
                    record[f + 5], record[f + 6] = 'claimed_at', at
                    record[f + 7], record[f + 8] = 'score', score
                    f = f + 8
                    if chosen ~= '' then
                        record[f + 1], record[f + 2], record[f + 3], record[f + 4] = 'lease', lease, 'worker', worker
                    elseif worker ~= '' then
                        record[f + 1], record[f + 2] = 'worker', worker
                    end
                    n, low = n + 1, low + 1
                    if low == 1000000 then
                        high, low = format('%.0f', math.floor(n / 1000000)), 0
                    end
                    given[#given + 1] = { id, type ~= '' and type, payload, false, '1', maxAttempts, at, lease }
                    leases[z + 1], leases[z + 2] = untilText, id
                    z = z + 2
                else
                    ready[r + 1], ready[r + 2] = score, id
                    r = r + 2
                end
                call(unpack(record))
            end
        end
        call(unpack(leases))
        if r > 2 then
            call(unpack(ready))
            wake()
        end
    end
    reply[count + 2] = given
    if not isListened then
        return reply
    end
end
