-- Removes a queue, a step of at most 500 jobs: the last one with all its keys. Until then it is a queue with fewer jobs.
-- KEYS[1]  base
-- ARGV     queue, `jobs` (also jobs that wait or run) or ''.
-- Returns  now; if there is such a queue also the records removed in this step, and 1 when the queue is gone or else 0. When
--          jobs wait or run that must not go: -1, and how many are queued, scheduled, retrying and processing.

local SETS = { 'queued', 'scheduled', 'retrying', 'processing', 'cancelled', 'expired' }
if call('EXISTS', base .. 'counters', base .. 'policy', base .. 'queued', base .. 'scheduled', base .. 'retrying',
        base .. 'processing', base .. 'dead', base .. 'completed') == 0 then
    return { now }
end
local counts, here = { now, -1 }, 0
for k = 1, 4 do
    counts[k + 2] = call('ZCARD', base .. SETS[k])
    here = here + counts[k + 2]
end
if here > 0 and ARGV[2] == '' then
    return counts
end
call('LLEN', base .. 'completed')

-- What stands in a place goes with its records, whatever these say.
local records, seen, room = {}, {}, 500
local function gather(ids)
    for k = 1, #ids do
        local record = not seen[ids[k]] and look(ids[k])
        if record and record[STATE] then
            records[#records + 1] = record
        end
        seen[ids[k]] = true
    end
    room = room - #ids
end
for k = 1, #SETS do
    local ids = room > 0 and call('ZRANGE', base .. SETS[k], 0, room - 1) or {}
    gather(ids)
    if #ids > 0 then
        call('ZREM', base .. SETS[k], unpack(ids))
    end
end
-- Entries of dead letters have payloads: fewer of them.
local isOver = room > 0
if isOver then
    local most = math.min(room, 100)
    local entries, ids, gone = call('XRANGE', base .. 'dead', '-', '+', 'COUNT', most), {}, { 'XDEL', base .. 'dead' }
    for k = 1, #entries do
        ids[k], gone[k + 2] = string.sub(entries[k][2][2], #queue + 2), entries[k][1]
    end
    gather(ids)
    if #gone > 2 then
        call(unpack(gone))
    end
    isOver = #entries < most
end
if isOver then
    local most = room
    local ids = call('LRANGE', base .. 'completed', -most, -1)
    gather(ids)
    if #ids > 0 then
        call('RPOP', base .. 'completed', #ids)
    end
    isOver = #ids < most
end
remove(records)
publish()
if isOver then
    local gone = { 'DEL', base .. 'completed', base .. 'dead', base .. 'expiry', base .. 'events', base .. 'counters',
        base .. 'policy', base .. 'unique_ends' }
    -- Of `move`: copies of what a clock that was set back has still to move.
    for _, set in ipairs({ 'expiry', 'unique_ends' }) do
        gone[#gone + 1] = base .. 'moving:' .. set
    end
    for k = 1, #SETS do
        gone[#gone + 1], gone[#gone + 2] = base .. SETS[k], base .. 'moving:' .. SETS[k]
    end
    call(unpack(gone))
end
return { now, #records, isOver and 1 or 0 }
