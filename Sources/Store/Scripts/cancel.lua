-- Cancels jobs: one that waits ends now; one in a worker's hands is flagged, and ends so unless it is completed.
-- KEYS[1]  base
-- ARGV     queue; then for each job: id, reason or ''.
-- Returns  now, and for each job: 1 (cancelled, now or before), 2 (flagged, now or before), 0 (no such job) or the state
--          that does not allow it.

local reply, first, waiting, flagged, places = { now }, {}, {}, {}, {}
call('ZCARD', base .. 'cancelled')
local function leave(place, id)
    local leaving = places[place] or { 'ZREM', base .. place }
    leaving[#leaving + 1] = id
    places[place] = leaving
end
for i = 2, #ARGV, 2 do
    local id, reason, r = ARGV[i], ARGV[i + 1], #reply + 1
    local key = base .. 'job:' .. id
    local record = call('HMGET', key, 'state', 'attempts', 'keep_ms', 'unique', 'expires_at', 'cancel')
    local worth = record[1] or 0
    if first[id] then
        worth = reply[first[id]]
    elseif worth == 'queued' or worth == 'scheduled' or worth == 'retrying' then
        leave(worth, id)
        if record[5] then
            leave('expiry', id)
        end
        waiting[#waiting + 1] = {
            id = id, key = key, unique = record[4], keep = record[3], attempts = record[2], reason = reason,
        }
        worth = 1
    elseif worth == 'processing' then
        -- Told again when it is asked again, with the reason that was given first.
        flagged[#flagged + 1] = { id = id, key = key, reason = record[6] or reason, isNew = not record[6] }
        worth = 2
    elseif worth == 'cancelled' then
        worth = 1
    end
    reply[r] = worth
    first[id] = first[id] or r
end

-- The first write frees memory, unless there is only something to flag.
for _, leaving in pairs(places) do
    call(unpack(leaving))
end
finish('cancelled', waiting)
for k = 1, #flagged do
    local job = flagged[k]
    if job.isNew then
        call('HSET', base .. 'policy', 'tracked', '1')
        call('HSET', job.key, 'cancel', job.reason)
    end
    redis.pcall('PUBLISH', base .. 'cancel' .. database, job.id .. ' ' .. job.reason)
end
publish()
return reply
