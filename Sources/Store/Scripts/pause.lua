-- Pauses a queue, which comes into being if it is new: claims find nothing in it until the time given, or `resume`.
-- KEYS[1]  base
-- ARGV     queue, 1 (without end) or the end in milliseconds since the epoch.
-- Returns  now.

call('HSET', base .. 'policy', 'paused', ARGV[2])
call('HSETNX', base .. 'counters', 'enqueued', 0)
return { now }
