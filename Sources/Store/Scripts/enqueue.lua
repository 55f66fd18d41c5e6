-- Takes new jobs in. An id that is taken or a unique key that is held is a duplicate and changes nothing.
-- KEYS[1]  base
-- ARGV     queue, origin; the jobs as admit.lua has them; the extras; the number of jobs.
-- Returns  as `admit` of admit.lua.

local count = tonumber(ARGV[#ARGV])
if count == 0 then
    return { now }
end
local reply = admit(count, count * 4 + 2)
publish()
return reply
