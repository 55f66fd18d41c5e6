-- Stands before `sweep`, in front of all else: ends it at the least cost when the queue holds nothing that waits or that is
-- kept for a time.
-- KEYS[1]  base
-- ARGV     of the sweep.
-- Returns  0, or nothing.
local base = KEYS[1]
if redis.call('EXISTS', base .. 'queued', base .. 'processing', base .. 'scheduled', base .. 'retrying',
        base .. 'cancelled', base .. 'expired', base .. 'dead') == 0 then
    return { 0 }
end
