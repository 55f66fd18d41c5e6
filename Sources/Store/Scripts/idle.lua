-- Stands before `sweep`, in front of all else: ends it at the least cost when the queue holds no job that waits.
-- KEYS[1]  base
-- ARGV     of the sweep.
-- Returns  0, or nothing.
if redis.call('EXISTS', KEYS[1] .. 'queued', KEYS[1] .. 'processing', KEYS[1] .. 'scheduled', KEYS[1] .. 'retrying') == 0 then
    return { 0 }
end
