-- Stands before the scripts that move jobs: notes what happened, and logs and announces it once, at the end.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- One entry of the log and one message a call, whatever number of jobs it moved: lines of `kind id attempt`, then when it
-- runs (or `-`) and why, where there is something to say. An entry has the seq of its last event, so that each event has a
-- seq of its own: those before it count backwards. Each microsecond owns a thousand seqs, and an entry takes whole
-- thousands; so where Redis takes its id, all its events are behind those of the entry before.
local told

-- `rest` is what stands behind the attempt, with a space in front, or ''.
local function tell(kind, id, attempt, rest)
    told = told or {}
    told[#told + 1] = kind .. ' ' .. id .. ' ' .. attempt .. rest
end

-- The jobs are in place by now: nothing here may be an error of the script. `count` and `text` are given by who has the
-- lines ready, in place of what was told.
local function publish(count, text)
    count = count or told and #told or 0
    if count == 0 then
        return
    end
    local log, taken = base .. 'events', math.ceil(count / 1000) * 1000
    local seq = string.format('%s-%d', at, micros % 1000 * 1000 + taken - 1)
    text = text or table.concat(told, '\n')
    local added = redis.pcall('XADD', log, 'MAXLEN', '~', '4000', seq, 'events', text)
    if type(added) == 'table' and added.err then
        -- The clock went back: the log goes on behind its last entry.
        local last = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', 1)
        local ms, number = string.match(last[1] and last[1][1] or '', '^(%d+)%-(%d+)$')
        if ms then
            seq = string.format('%s-%.0f', ms, math.floor(number / 1000) * 1000 + 1000 + taken - 1)
            redis.pcall('XADD', log, 'MAXLEN', '~', '4000', seq, 'events', text)
        end
    end
    redis.pcall('PUBLISH', log .. database, seq .. '\n' .. text)
end
