-- Gives jobs back whose attempt shall not count: to their old place in `queued`, or to `scheduled` for a while. A job whose
-- cancellation was asked for is cancelled.
-- KEYS[1]  base
-- ARGV     queue, origin; then for each job: id, token, delay_ms or ''.
-- Returns  now, and for each job: 1 (queued), 3 (cancelled), the time it is scheduled for, 0 (no such job) or the state of a
--          job whose lease is lost; the same again when it was released with this token before.

local scheduled, expiry = base .. 'scheduled', base .. 'expiry'
call('ZCARD', queued)
call('ZCARD', scheduled)
if tracked then
    call('ZCARD', expiry)
end
local reply, held, doubles = gather(3, 3, 'released', function(record)
    return tonumber(record[RUN_AT]) or 1
end)
if #held == 0 then
    return reply
end

local added, later, mortal = { 'ZADD', queued }, { 'ZADD', scheduled }, { 'ZADD', expiry }
for k = 1, #held do
    local record = held[k]
    local key, history, left = record.key, remember(record, 'released', ''), record[ATTEMPTS] - 1
    local delay = tonumber(ARGV[record.i + 2]) or 0
    if record[CANCEL] then
        abandon(record, 'outcome', 'released', 'attempts', left, 'history', history)
        reply[record.r] = 3
    else
        if delay > 0 then
            local due = string.format('%.0f', soon + delay)
            call('HSET', key, 'state', 'scheduled', 'outcome', 'released', 'attempts', left, 'history', history, 'run_at',
                due)
            later[#later + 1], later[#later + 2] = due, record.id
            reply[record.r] = soon + delay
            tell('released', record.id, record[ATTEMPTS], ' ' .. due)
        else
            call('HSET', key, 'state', 'queued', 'outcome', 'released', 'attempts', left, 'history', history)
            if record[RUN_AT] then
                call('HDEL', key, 'run_at')
            end
            added[#added + 1], added[#added + 2] = record[SCORE], record.id
            reply[record.r] = 1
            tell('released', record.id, record[ATTEMPTS], '')
        end
        -- As if it had never started: it can expire again.
        if left == 0 and record[EXPIRES_AT] then
            mortal[#mortal + 1], mortal[#mortal + 2] = record[EXPIRES_AT], record.id
        end
    end
end
for r, first in pairs(doubles) do
    reply[r] = reply[first]
end
call('HINCRBY', base .. 'counters', 'released', #held)
if #later > 2 then
    call(unpack(later))
end
if #mortal > 2 then
    call(unpack(mortal))
end
ready(added)
settle()
return reply
