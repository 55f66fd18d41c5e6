-- Does what time asks for: leases that expired end, scheduled and retrying jobs that are due become ready, jobs that never
-- started expire, records of ended jobs go when they were kept long enough, a pause ends.
-- KEYS[1]  base
-- ARGV     queue, origin, until when expired leases may be reclaimed (0: not at all): a call that comes late, or after the
--          clock was set forward, does not reclaim.
-- Returns  0 when there is nothing that time could change (idle.lua says it). Else now, reclaimed, promoted, expired, 1 if a
--          bound was reached (call again) or 0, 1 if queued jobs can be claimed now or 0, the earliest time that is left or
--          false.

local scheduled, retrying, expiry, dead = base .. 'scheduled', base .. 'retrying', base .. 'expiry', base .. 'dead'
local BOUND = 100
local function due(set)
    return call('ZRANGEBYSCORE', set, '-inf', at, 'LIMIT', 0, BOUND)
end
local silent = now <= tonumber(ARGV[3]) and due(processing) or {}
local planned, failed = due(scheduled), due(retrying)
local further = call('EXISTS', expiry, base .. 'cancelled', base .. 'expired') > 0
local mortal = further and due(expiry) or {}
local kept = { cancelled = further and due(base .. 'cancelled') or {}, expired = further and due(base .. 'expired') or {} }
local limits = call('HMGET', base .. 'policy', 'paused', 'dead_keep_ms', 'dead_keep_count', 'order')
local paused, deadKeep, deadCount = limits[1], tonumber(limits[2]), tonumber(limits[3])
-- The entry's time was rounded down: what is kept at all is kept to the end of a millisecond.
if deadKeep and deadKeep > 0 then
    deadKeep = deadKeep + 1
end
local ends = paused and paused ~= '1' and tonumber(paused) or nil
local pauseEnded = ends and ends <= now

-- Dead letters beyond their time or their number: both are the oldest.
local letters, over = {}, call('XLEN', dead) - (deadCount or math.huge)
if over > 0 then
    letters = call('XRANGE', dead, '-', '+', 'COUNT', math.min(over, BOUND))
end
if deadKeep then
    local late = call('XRANGE', dead, '-', string.format('%.0f', now - deadKeep), 'COUNT', BOUND)
    letters = #late > #letters and late or letters
end

-- Names whose record is gone or says another place only leave the set.
local lost, lapsed, lapses, back, retries = {}, {}, {}, {}, 0
for k = 1, #silent do
    local record = look(silent[k])
    if record[STATE] == 'processing' then
        lost[#lost + 1] = record
    end
end
for k = 1, #mortal do
    local id = mortal[k]
    local key = jobs .. id
    local record = call('HMGET', key, 'state', 'attempts', 'unique', 'keep_ms')
    if (record[1] == 'queued' or record[1] == 'scheduled') and (record[2] or '0') == '0' then
        lapsed[#lapsed + 1] = { id = id, key = key, unique = record[3], keep = record[4], from = record[1] }
        lapses[id] = true
    end
end
local function collect(ids, state)
    for k = 1, #ids do
        local key = jobs .. ids[k]
        local record = call('HMGET', key, 'state', 'score', 'priority')
        if record[1] == state and not lapses[ids[k]] then
            record[1], record.id, record.again = key, ids[k], state == 'retrying'
            back[#back + 1] = record
            retries = retries + (record.again and 1 or 0)
        end
    end
end
collect(planned, 'scheduled')
collect(failed, 'retrying')
local old, oldEntries = {}, { 'XDEL', dead }
for k = 1, #letters do
    local entry, id = letters[k][1], string.sub(letters[k][2][2], #queue + 2)
    local record = call('HMGET', jobs .. id, 'state', 'dead_entry', 'attempts')
    if record[1] == 'dead' and record[2] == entry then
        record.id = id
        old[#old + 1] = record
    end
    oldEntries[k + 2] = entry
end

-- The first write frees memory.
local function remove(set, ids)
    if #ids > 0 then
        call('ZREM', set, unpack(ids))
    end
end
remove(processing, silent)
remove(scheduled, planned)
remove(retrying, failed)
remove(expiry, mortal)
for k = 1, #lapsed do
    call('ZREM', base .. lapsed[k].from, lapsed[k].id)
end
for state, ids in pairs(kept) do
    remove(base .. state, ids)
    forget(state, ids)
end
if #letters > 0 then
    call(unpack(oldEntries))
end
for k = 1, #old do
    call('DEL', jobs .. old[k].id)
    tell('deleted', old[k].id, old[k][3], ' - dead')
end
if pauseEnded then
    call('HDEL', base .. 'policy', 'paused')
end

local added = { 'ZADD', queued }
if #lost > 0 then
    added = giveBack(lost, 'lease_expired')
end
-- A retried job comes as a new one does: behind the others of its priority, or before them.
local lifo, number = limits[4] == 'lifo', 0
if retries > 0 then
    number = call('HINCRBY', base .. 'counters', lifo and 'front' or 'seq', retries) - retries
end
for k = 1, #back do
    local record = back[k]
    local score = record[2]
    if record.again then
        number = number + 1
        score = string.format('%.0f', (lifo and -number or number) - (record[3] or 0) * 35184372088832)
    end
    call('HSET', record[1], 'state', 'queued')
    added[#added + 1], added[#added + 2] = score, record.id
end
if pauseEnded then
    if #added > 2 then
        call(unpack(added))
    end
    wake()
else
    ready(added)
end
finish('expired', lapsed)
settle()

local waiting = call('EXISTS', queued) == 1
local nextDue = waiting and ends and not pauseEnded and ends
local function consider(time)
    if time and (not nextDue or time < nextDue) then
        nextDue = time
    end
end
local sets = { 'processing', 'scheduled', 'retrying', 'expiry', 'cancelled', 'expired' }
for k = 1, (further or tracked) and 6 or 3 do
    consider(tonumber(call('ZRANGE', base .. sets[k], 0, 0, 'WITHSCORES')[2]))
end
local oldest = deadKeep and call('XRANGE', dead, '-', '+', 'COUNT', 1)[1]
if oldest then
    consider(string.match(oldest[1], '^%d+') + deadKeep)
end
local most = math.max(#silent, #planned, #failed, #mortal, #kept.cancelled, #kept.expired, #letters)
local claimable = waiting and (not paused or pauseEnded)
return { now, #lost, #back, #lapsed, most == BOUND and 1 or 0, claimable and 1 or 0, nextDue or false }
