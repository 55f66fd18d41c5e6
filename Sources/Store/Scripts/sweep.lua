-- Does what time asks for: leases that expired end, scheduled and retrying jobs that are due become ready, a pause ends.
-- KEYS[1]  base
-- ARGV     queue, origin, `reclaim` or `promote` (only).
-- Returns  0 when the queue holds no job that waits (idle.lua says it). Else now, reclaimed, promoted, 1 if a bound was
--          reached (call again) or 0, 1 if queued jobs can be claimed now or 0, the earliest time that is left or false.

local scheduled, retrying = base .. 'scheduled', base .. 'retrying'
local BOUND = 100
local function due(set)
    return call('ZRANGEBYSCORE', set, '-inf', at, 'LIMIT', 0, BOUND)
end
local expired = ARGV[3] == 'reclaim' and due(processing) or {}
local planned, failed = due(scheduled), due(retrying)
local paused = call('HGET', base .. 'policy', 'paused')
local ends = paused and paused ~= '1' and tonumber(paused) or nil
local pauseEnded = ends and ends <= now
call('XLEN', base .. 'dead')

-- Names whose record is gone or says another place only leave the set.
local lost, back, retries = {}, {}, 0
for k = 1, #expired do
    local record = look(expired[k])
    if record[STATE] == 'processing' then
        lost[#lost + 1] = record
    end
end
local function collect(ids, state)
    for k = 1, #ids do
        local key = jobs .. ids[k]
        local record = call('HMGET', key, 'state', 'score', 'priority')
        if record[1] == state then
            record[1], record.id, record.again = key, ids[k], state == 'retrying'
            back[#back + 1] = record
            retries = retries + (record.again and 1 or 0)
        end
    end
end
collect(planned, 'scheduled')
collect(failed, 'retrying')

-- The first write frees memory.
local function remove(set, ids)
    if #ids > 0 then
        call('ZREM', set, unpack(ids))
    end
end
remove(processing, expired)
remove(scheduled, planned)
remove(retrying, failed)
if pauseEnded then
    call('HDEL', base .. 'policy', 'paused')
end
local added = { 'ZADD', queued }
if #lost > 0 then
    added = giveBack(lost, 'lease_expired')
end
local seq = 0
if retries > 0 then
    seq = call('HINCRBY', base .. 'counters', 'seq', retries) - retries
end
for k = 1, #back do
    local record = back[k]
    local score = record[2]
    if record.again then
        seq = seq + 1
        score = string.format('%.0f', seq - (record[3] or 0) * 35184372088832)
    end
    call('HSET', record[1], 'state', 'queued')
    added[#added + 1], added[#added + 2] = score, record.id
end
if pauseEnded then
    if #added > 2 then
        call(unpack(added))
    end
    wake()
else
    ready(added)
end

local waiting = call('EXISTS', queued) == 1
local nextDue = waiting and ends and not pauseEnded and ends
for _, set in ipairs({ processing, scheduled, retrying }) do
    local first = tonumber(call('ZRANGE', set, 0, 0, 'WITHSCORES')[2])
    if first and (not nextDue or first < nextDue) then
        nextDue = first
    end
end
local more = #expired == BOUND or #planned == BOUND or #failed == BOUND
local claimable = waiting and (not paused or pauseEnded)
return { now, #lost, #back, more and 1 or 0, claimable and 1 or 0, nextDue or false }
