-- Stands before the scripts that claim: chooses queued jobs where that takes more than to look at the first ones: in a queue
-- whose jobs age, or have more than plain ones have (expiry, unique keys, checkpoints). Needs finish.lua.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- Takes up to `wanted` jobs from `queued` and gives their number; `found` are the first ones. `rows` gets the jobs from the
-- fourth place on (a claim's reply, but for attempt and lease), `keys` and `scores` the keys of their records and the scores
-- they had. With `aging` (ms, or nil) the next job is each time that of the priority whose first job stands highest, when
-- each `aging` it has waited counts as one priority more. Names without a queued record leave `queued` with the rest, and
-- jobs whose time to start is over expire. At most 400 jobs are taken out.
local function choose(wanted, found, aging, rows, keys, scores)
    local queued, expiry, expiredSet = base .. 'queued', base .. 'expiry', base .. 'expired'
    local passed, started, expired, freed, got = { 'ZREM', queued }, { 'ZREM', expiry }, {}, {}, 0

    local function isOver()
        return isFull or got == wanted or #passed >= 402
    end

    -- The record of a queued job; of others nil, they are passed.
    local function look(id, score)
        local key = base .. 'job:' .. id
        local record = call('HMGET', key, 'state', 'type', 'payload', 'meta', 'attempts', 'max_attempts', 'enqueued_at',
            'lease_ms', 'checkpoint', 'unique', 'unique_until', 'expires_at', 'keep_ms', 'run_at', 'claimed_at')
        if record[1] == 'queued' then
            record[1], record.key, record.score = id, key, score
            return record
        end
        passed[#passed + 1] = id
    end

    -- Hands a job out, lets it expire, or leaves it where it is when there is no room for it.
    local function pass(record)
        local id, expires = record[1], (tonumber(record[5]) or 0) == 0 and tonumber(record[12])
        if not (expires and expires <= now) and not fits(record[3], record[4], record[9]) then
            return
        end
        passed[#passed + 1] = id
        if expires then
            started[#started + 1] = id
        end
        if expires and expires <= now then
            call('ZCARD', expiredSet)
            expired[#expired + 1] = { id = id, key = record.key, unique = record[10], keep = record[13] }
            return
        end
        got = got + 1
        rows[got + 3], keys[got], scores[got] = record, record.key, record.score
        if record[11] == 'claimed' then
            freed[#freed + 1] = { id, record[10] }
        end
        local checkpoint = record[9] or nil
        record[9] = readyAt(record[7], record[14], record[15]) or checkpoint and false
        record[10], record[11] = checkpoint, nil
    end

    local function takeFirst()
        local looked = 0
        repeat
            for i = 1, #found, 2 do
                local record = not isFull and look(found[i], found[i + 1])
                if record then
                    pass(record)
                end
            end
            looked = looked + #found / 2
            found = isOver() and {}
                or call('ZRANGE', queued, looked, math.min(looked + wanted - got, 400) - 1, 'WITHSCORES')
        until #found == 0
    end

    -- A priority's scores lie around −priority · 2^45. Highest priority first, which also wins when two stand equally high.
    local function takeAged()
        local CLASS, format, classes = 35184372088832, string.format, {}
        local function advance(class)
            class.head = nil
            while not class.head and not isOver() do
                local first = call('ZRANGEBYSCORE', queued, class.low, '(' .. class.high, 'WITHSCORES', 'LIMIT',
                    class.looked, 1)
                if not first[1] then
                    return
                end
                class.looked, class.head = class.looked + 1, look(first[1], first[2])
            end
            if class.head then
                local since = math.max(tonumber(class.head[7]), tonumber(class.head[14]) or 0)
                class.height = class.priority + math.floor((now - since) / aging)
            end
        end
        while found[2] do
            local center = math.floor(found[2] / CLASS + 0.5)
            local class = {
                priority = -center, low = format('%.0f', (center - 0.5) * CLASS), high = format('%.0f', (center + 0.5) * CLASS),
                looked = 0,
            }
            advance(class)
            classes[#classes + 1] = class
            found = call('ZRANGEBYSCORE', queued, class.high, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
        end
        repeat
            local best
            for k = 1, #classes do
                local class = classes[k]
                if class.head and (not best or class.height > best.height) then
                    best = class
                end
            end
            if best then
                pass(best.head)
                advance(best)
            end
        until not best or isOver()
    end

    if aging then
        takeAged()
    else
        takeFirst()
    end
    call('ZCARD', expiry)
    -- The first write frees memory, so that a full Redis can be drained.
    if #passed > 2 then
        call(unpack(passed))
    end
    if #started > 2 then
        call(unpack(started))
    end
    for k = 1, #freed do
        free(freed[k][1], freed[k][2])
    end
    finish('expired', expired)
    return got
end
