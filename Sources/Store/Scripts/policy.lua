-- Shows a queue's defaults and limits.
-- KEYS[1]  base
-- ARGV     queue.
-- Returns  now; if there is such a queue also its settings in the order below, false for what is built in.

if call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now }
end
local settings = call('HMGET', base .. 'policy', 'max_attempts', 'lease_ms', 'backoff', 'keep_ms', 'keep_count',
    'dead_keep_ms', 'dead_keep_count', 'max_len', 'order', 'aging_ms')
return { now, unpack(settings) }
