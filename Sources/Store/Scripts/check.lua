-- Verifies a queue's invariants from its keys, and repairs on request: one step of some hundred entries or records. What a
-- step finds is decided and put right by what stands there in that moment, so daemons may go on working. The history of
-- completed jobs may name what it likes; nothing is said of it. Which records and unique keys there are only a walk
-- through all keys of the server can tell, which serves all queues at once and is not made here.
-- KEYS[1]  base
-- ARGV     queue, origin, `repair` or `report`; then the indexes: a cursor or '' (`<set> <place in it>`); or `keys ` and ends
--          of keys (`job:<id>`, `unique:<key>`); or, when all these were looked at, `totals `.
-- Returns  now; if there is such a queue also how many were looked at, the next cursor or false, and for each violation
--          { number of the invariant, id or '', what, 1 if repaired else 0 }.

if call('EXISTS', counters, base .. 'policy', base .. 'queued', base .. 'scheduled', base .. 'retrying',
        base .. 'processing', base .. 'dead') == 0 then
    return { now }
end
local BOUND, looked = 500, 0

-- An entry of a set or of the dead letters whose job says something else.
local function stray(set, id, entry)
    local isDead = set == 'dead'
    local function leave()
        if isDead then
            call('XDEL', base .. set, entry)
        else
            call('ZREM', base .. set, id)
        end
    end
    if call('EXISTS', jobs .. id) == 0 then
        if report(8, id, base .. set .. ' names it, but it has no record') then
            leave()
            if open[set] then
                call('HINCRBY', counters, 'deleted', 1)
                tell('deleted', id, 0, ' - ' .. set)
            end
        end
        return
    end
    local job = look(id)
    local isOther = isDead and job.state == 'dead'
    if isOther and not isLetter(job, job.dead_entry) then
        if report(2, id, base .. set .. ' has it as ' .. entry .. ', its record does not say so') then
            call('HSET', job.key, 'dead_entry', entry)
        end
    elseif report(2, id, isOther and base .. set .. ' has it twice'
            or 'it is ' .. (job.state or 'nothing') .. ', but ' .. base .. set .. ' names it') then
        leave()
        examine(id)
    end
end

local function isInPlace(set, id, entry)
    local record = call('HMGET', jobs .. id, 'state', set == 'dead' and 'dead_entry' or 'state')
    return record[1] == set and (set ~= 'dead' or record[2] == entry)
end

-- What waits in `expiry` has not started, and expires then.
local function expiring(id, score)
    local record = call('HMGET', jobs .. id, 'state', 'attempts', 'expires_at')
    local may = (record[1] == 'queued' or record[1] == 'scheduled') and (record[2] or '0') == '0' and record[3]
    if may and tonumber(may) == tonumber(score) then
        return
    end
    local what = not record[1] and 'names it, but it has no record' or may and 'has another time than its record'
        or 'names it, but it cannot expire'
    if report(8, id, base .. 'expiry ' .. what) then
        call('ZREM', base .. 'expiry', id)
        if may then
            call('ZADD', base .. 'expiry', may, id)
        end
    end
end

-- The entries of one index behind `place`, up to the bound; returns where the next step goes on, nil at the end. Dead
-- letters come with their payloads: fewer of them.
local function walk(set, place)
    local room = math.min(BOUND - looked, set == 'dead' and 100 or BOUND)
    local ids, cursors = scan(set, place, room + 1, true)
    for k = 1, math.min(#ids, room) do
        looked = looked + 1
        if set == 'expiry' then
            expiring(ids[k], string.match(cursors[k], '^%S+'))
        elseif not isInPlace(set, ids[k], cursors[k]) then
            stray(set, ids[k], cursors[k])
        end
    end
    return #ids > room and cursors[room] or nil
end

-- Records, and the strings of unique keys, which may be gone meanwhile.
local function keys()
    for i = 5, #ARGV do
        local kind, name = string.match(ARGV[i], '^(%a+):(.*)$')
        looked = looked + 1
        if kind == 'job' then
            examine(name)
        elseif kind == 'unique' then
            local key = base .. ARGV[i]
            local holder = call('GET', key)
            if holder and not holds(holder, name)
                and report(8, holder, key .. ' names it, but it does not hold the key') then
                call('DEL', key)
            end
        end
    end
end

-- 9: no queued job stands beyond the counters that give out places, by priority.
local function places()
    local queued = base .. 'queued'
    local best = call('ZRANGE', queued, 0, 0, 'WITHSCORES')
    while best[2] do
        local center = math.floor((best[2] + CLASS / 2) / CLASS) * CLASS
        local worst = call('ZREVRANGEBYSCORE', queued, '(' .. text(center + CLASS / 2), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
        raise('front', 9, best[1], center - best[2])
        raise('seq', 9, worst[1], worst[2] - center)
        best = call('ZRANGEBYSCORE', queued, text(center + CLASS / 2), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    end
end

-- 6: conservation, when everything else is as it should be.
local function conservation()
    local totals = call('HMGET', counters, 'enqueued', 'requeued', 'completed', 'dead', 'cancelled', 'expired', 'deleted')
    local came, gone = (totals[1] or 0) + (totals[2] or 0), 0
    for k = 3, #totals do
        gone = gone + (totals[k] or 0)
    end
    local here = 0
    for set in pairs(open) do
        here = here + call('ZCARD', base .. set)
    end
    local missing = came - here - gone
    if missing ~= 0 and report(6, '', counters .. ': ' .. text(came) .. ' came (enqueued, requeued), ' .. text(here)
            .. ' are here, ' .. text(gone) .. ' ended') then
        call('HINCRBY', counters, missing > 0 and 'deleted' or 'enqueued', text(math.abs(missing)))
    end
end

local PHASES = { 'queued', 'scheduled', 'retrying', 'processing', 'expiry', 'cancelled', 'expired', 'dead' }
local phase, place = string.match(ARGV[4], '^(%a+) (.*)$')
local p = 1
for k = 1, #PHASES do
    if PHASES[k] == phase then
        p = k
    end
end
place = phase and place or ''
if phase == 'keys' then
    keys()
    p = #PHASES + 1
elseif phase == 'totals' then
    places()
    conservation()
    p = #PHASES + 1
end
while p <= #PHASES do
    local further = walk(PHASES[p], place)
    if further then
        place = further
    else
        p, place = p + 1, ''
    end
    if looked >= BOUND or further then
        break
    end
end
if wakes then
    wake()
end
publish()
return { now, looked, p <= #PHASES and PHASES[p] .. ' ' .. place or false, unpack(found) }
