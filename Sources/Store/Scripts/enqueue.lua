-- Takes new jobs in. An id that is taken or a unique key that is held is a duplicate and changes nothing.
-- KEYS[1]  base
-- ARGV     queue, origin; the jobs as in wish.lua; the extras; the number of jobs.
-- Returns  what admit.lua leaves in `reply`.

-- `given` is for scripts that also claim.
local count, keys, reply, given = tonumber(ARGV[#ARGV]), nil, nil, nil
if count == 0 then
    return { now }
end
