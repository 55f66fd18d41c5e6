-- Counts a queue: what is where now, totals since ever, the pause, the age of the job that waits longest.
-- KEYS[1]  base
-- ARGV     queue.
-- Returns  now; if there is such a queue also paused (text or false), latency_ms, then the depths of queued, scheduled,
--          retrying, processing, completed, dead, cancelled, expired, then all counters as name, value, ….

local policy, counters = base .. 'policy', base .. 'counters'
if call('EXISTS', counters, policy) == 0 then
    return { now }
end
local paused = call('HGET', policy, 'paused')
if paused and paused ~= '1' and tonumber(paused) <= now then
    paused = false
end

-- Within one priority the oldest is the first that came the normal way, or the last of those put in front. A priority's
-- scores lie around −priority · 2^45, those put in front below it.
local CLASS, queued, latency = 35184372088832, base .. 'queued', 0
local function wait(found)
    if found then
        local record = call('HMGET', base .. 'job:' .. found, 'enqueued_at', 'run_at')
        if record[1] then
            latency = math.max(latency, now - math.max(tonumber(record[1]), tonumber(record[2]) or 0))
        end
    end
end
local best = call('ZRANGE', queued, 0, 0, 'WITHSCORES')
while best[2] do
    local center = math.floor((best[2] + CLASS / 2) / CLASS) * CLASS
    local function limit(offset)
        return string.format('%.0f', center + offset)
    end
    wait(call('ZREVRANGEBYSCORE', queued, limit(0), limit(-CLASS / 2), 'LIMIT', 0, 1)[1])
    wait(call('ZRANGEBYSCORE', queued, limit(0), limit(CLASS / 2 - 1), 'LIMIT', 0, 1)[1])
    best = call('ZRANGEBYSCORE', queued, limit(CLASS / 2), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
end
return {
    now, paused, latency, call('ZCARD', queued), call('ZCARD', base .. 'scheduled'), call('ZCARD', base .. 'retrying'),
    call('ZCARD', base .. 'processing'), call('LLEN', base .. 'completed'), call('XLEN', base .. 'dead'),
    call('ZCARD', base .. 'cancelled'), call('ZCARD', base .. 'expired'), call('HGETALL', counters),
}
