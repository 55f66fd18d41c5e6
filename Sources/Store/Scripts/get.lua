-- Shows one job.
-- KEYS[1]  base
-- ARGV     queue, id.
-- Returns  now, and if there is such a job: lease_until (text, false when it is not processing), all fields of the record.

local record = call('HGETALL', base .. 'job:' .. ARGV[2])
if #record == 0 then
    return { now }
end
return { now, call('ZSCORE', base .. 'processing', ARGV[2]), record }
