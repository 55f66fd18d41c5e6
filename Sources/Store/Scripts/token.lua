-- Stands before the scripts that end or extend an attempt: what a claim's token is worth now.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- `record` begins with state, token, outcome; `outcome` is what the script at work gives to an attempt that it ends.
-- 'held': the newest claim of a processing job, even past its lease. 'ended': the attempt ended just so by an earlier
-- call, which gets its answer again. Else what to answer: 0 without such a job, the state when the claim is lost.
-- Completed records do not have an outcome of their own, their state says it.
local function standing(record, token, outcome)
    local state = record[1]
    if not state then
        return 0
    end
    if record[2] ~= token then
        return state
    end
    if state == 'processing' then
        return 'held'
    end
    if outcome and outcome == (state == 'completed' and state or record[3]) then
        return 'ended'
    end
    return state
end
