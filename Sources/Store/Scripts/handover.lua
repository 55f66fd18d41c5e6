-- Takes plain new jobs in and puts them straight into the hands of claims that wait for them: enqueue and claim in one.
-- KEYS[1]  base
-- ARGV     queue, origin; for each job: id, type, payload, ''; for each claim: max, lease_ms or '', worker; then the nonce
--          of this call, the jobs wanted in all, and the number of jobs.
-- Returns  now; for each job what the enqueue script says of it; last what the claim script returns.

-- An empty queue has nobody before these jobs, and no other claim can come between: what is handed over never stands in
-- `queued` and is written once. That halves the work of a queue whose workers wait. Otherwise it is an enqueue with a
-- claim behind it. The rules are those of admit.lua and take.lua; the first write (HSET) is one that a full Redis
-- refuses: then nothing has happened, and the claims find what is there by the claim script.
local count = tonumber(ARGV[#ARGV])
local firstClaim, lastClaim = count * 4 + 3, #ARGV - 1
local policy = call('HMGET', base .. 'policy', 'max_attempts', 'paused', 'lease_ms', 'listened', 'order', 'max_len')
local maxAttempts, paused, defaultLease = policy[1] or '3', policy[2], policy[3] or '30000'
local queued, processing = base .. 'queued', base .. 'processing'
local reply
if call('ZCARD', queued) > 0 or paused and (paused == '1' or tonumber(paused) > now) or policy[5] == 'lifo' or policy[6] then
    reply = admit(count)
    reply[count + 2] = take(firstClaim, lastClaim)
    publish()
    return reply
end
local keys, seen, fresh, jobs = {}, {}, 0, base .. 'job:'
reply = { now }
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
if fresh == 0 then
    reply[count + 2] = { now, 0 }
    return reply
end
call('ZCARD', processing)
local counters = base .. 'counters'
local total = call('HMGET', counters, 'seq', 'enqueued', 'token', 'claimed')
local handed = math.min(tonumber(ARGV[lastClaim]), fresh)
local seq, n = tonumber(total[1]) or 0, math.max((tonumber(total[3]) or 0) + 1, micros)
local given, format = { now, 0, n }, string.format
local isFirst = (tonumber(total[2]) or 0) == 0
local isListened = isFirst or policy[4] and tonumber(policy[4]) > now

call('HSET', counters, 'seq', format('%.0f', seq + fresh), 'enqueued', format('%.0f', (total[2] or 0) + fresh),
    'token', format('%.0f', n + handed - 1), 'claimed', format('%.0f', (total[4] or 0) + handed))
if isFirst then
    -- As in admit.lua.
    call('HSET', base .. 'policy', 'listened', format('%.0f', math.max(tonumber(policy[4]) or 0, now + 1000)))
end
local nonce, leases, ready, r, z = ARGV[lastClaim - 1], { 'ZADD', processing }, { 'ZADD', queued }, 2, 2
local c = firstClaim
local left, chosen, worker = tonumber(ARGV[c]), ARGV[c + 1], ARGV[c + 2]
local lease, untilText
for k = 1, count do
    local key = keys[k]
    if key then
        local i = k * 4 - 1
        local id, type, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2]
        seq = seq + 1
        local score = format('%.0f', seq)
        local record = { 'HSET', key, 'state', 'queued', 'payload', payload, 'max_attempts', maxAttempts, 'enqueued_at', at }
        local f = 10
        if type ~= '' then
            record[f + 1], record[f + 2] = 'type', type
            f = f + 2
        end
        if isListened then
            tell('enqueued', id, 0, '')
        end
        if z / 2 - 1 < handed then
            while left == 0 do
                c = c + 3
                left, chosen, worker = tonumber(ARGV[c]), ARGV[c + 1], ARGV[c + 2]
            end
            left = left - 1
            local wish = chosen ~= '' and chosen or defaultLease
            if wish ~= lease then
                lease, untilText = wish, format('%.0f', now + wish)
            end
            record[4] = 'processing'
            record[f + 1], record[f + 2] = 'attempts', '1'
            record[f + 3], record[f + 4] = 'token', format('%.0f-%s', n, nonce)
            record[f + 5], record[f + 6] = 'claimed_at', at
            record[f + 7], record[f + 8] = 'score', score
            f = f + 8
            if chosen ~= '' then
                record[f + 1], record[f + 2], record[f + 3], record[f + 4] = 'lease', lease, 'worker', worker
            elseif worker ~= '' then
                record[f + 1], record[f + 2] = 'worker', worker
            end
            n = n + 1
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
if isListened then
    for k = 4, #given do
        tell('claimed', given[k][1], 1, '')
    end
end
publish()
reply[count + 2] = given
return reply
