-- Gives jobs back whose attempt shall not count: to their old place in `queued`, or to `scheduled` for a while.
-- KEYS[1]  base
-- ARGV     queue, origin; then for each job: id, token, delay_ms or ''.
-- Returns  now, and for each job: 1 (queued), the time it is scheduled for, 0 (no such job) or the state of a job whose
--          lease is lost; the same again when it was released with this token before.

local scheduled, first, held, ended = base .. 'scheduled', {}, {}, { 'ZREM', processing }
local reply = { now }
call('ZCARD', queued)
call('ZCARD', scheduled)
for i = 3, #ARGV, 3 do
    local id, r = ARGV[i], #reply + 1
    local record = look(id)
    local worth = standing(record, ARGV[i + 1], 'released')
    if worth == 'held' then
        local delay = tonumber(ARGV[i + 2]) or 0
        worth = delay > 0 and now + delay or 1
        if first[id] then
            worth = reply[first[id]]
        else
            first[id] = r
            record.due = worth
            held[#held + 1], ended[#ended + 1] = record, id
        end
    elseif worth == 'ended' then
        worth = tonumber(record[RUN_AT]) or 1
    end
    reply[r] = worth
end
if #held == 0 then
    return reply
end

-- The first write frees memory.
call(unpack(ended))
local added, later = { 'ZADD', queued }, { 'ZADD', scheduled }
for k = 1, #held do
    local record = held[k]
    local key, history = record.key, remember(record, 'released', '')
    if record.due == 1 then
        call('HSET', key, 'state', 'queued', 'outcome', 'released', 'attempts', record[ATTEMPTS] - 1, 'history', history)
        if record[RUN_AT] then
            call('HDEL', key, 'run_at')
        end
        added[#added + 1], added[#added + 2] = record[SCORE], record.id
    else
        local due = string.format('%.0f', record.due)
        call('HSET', key, 'state', 'scheduled', 'outcome', 'released', 'attempts', record[ATTEMPTS] - 1, 'history',
            history, 'run_at', due)
        later[#later + 1], later[#later + 2] = due, record.id
    end
end
call('HINCRBY', base .. 'counters', 'released', #held)
if #later > 2 then
    call(unpack(later))
end
ready(added)
return reply
