-- The rest of handover.lua: the claims of jobs that went through `queued`.
-- KEYS[1]  base
-- ARGV     as in handover.lua.
-- Returns  nothing; told.lua ends the script.

if not given then
    given = take(firstClaim, lastClaim, isSpecial and choose)
    reply[count + 2] = given
end
