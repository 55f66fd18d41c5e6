-- The rest of claim.lua: for a queue with jobs that are more than plain, or whose events somebody listens to.
-- KEYS[1]  base
-- ARGV     as in claim.lua.
-- Returns  nothing; told.lua ends the script.

local reply = take(2, #ARGV, isSpecial and choose)
local count, keys, given = 0, nil, reply
