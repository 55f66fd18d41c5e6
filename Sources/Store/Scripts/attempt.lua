-- Stands before the scripts in which an attempt ends otherwise than well: history, dead letters, the way back.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.
local jobs, processing, queued = base .. 'job:', base .. 'processing', base .. 'queued'

-- The fields these scripts look at; an array of them is called `record` below, with the id as 'id' and the key as 'key'.
local STATE, TOKEN, OUTCOME, ATTEMPTS, MAX, WORKER, CLAIMED_AT, HISTORY, SCORE, RUN_AT, BACKOFF = 1, 2, 3, 4, 5, 6, 7, 8,
    9, 10, 11
local function look(id)
    local key = jobs .. id
    local record = call('HMGET', key, 'state', 'token', 'outcome', 'attempts', 'max_attempts', 'worker', 'claimed_at',
        'history', 'score', 'run_at', 'backoff')
    record.id, record.key = id, key
    return record
end

-- The history with one more attempt: at most 10, oldest first, one JSON object a line. `err` is the client's JSON or ''.
local function remember(record, outcome, err)
    local worker, history = record[WORKER], record[HISTORY]
    local line = '{"attempt":' .. record[ATTEMPTS]
        .. (worker and worker ~= '' and ',"worker":"' .. string.gsub(worker, '["\\]', '\\%0') .. '"' or '')
        .. ',"started_at":' .. record[CLAIMED_AT] .. ',"ended_at":' .. at .. ',"outcome":"' .. outcome .. '"'
        .. (err ~= '' and ',"error":' .. err or '') .. '}'
    if not history then
        return line
    end
    local _, breaks = string.gsub(history, '\n', '\n')
    if breaks >= 9 then
        history = string.sub(history, string.find(history, '\n', 1, true) + 1)
    end
    return history .. '\n' .. line
end

-- Puts a job among the dead letters. The caller has taken it from `processing`; `err` as in `remember`.
local events = {}
local function bury(record, reason, err)
    local id, key = record.id, record.key
    local rest = call('HMGET', key, 'type', 'payload', 'error')
    local entry = call('XADD', base .. 'dead', '*', 'job', queue .. '/' .. id, 'type', rest[1] or '', 'reason', reason,
        'attempts', record[ATTEMPTS], 'error', err ~= '' and err or rest[3] or '', 'payload', rest[2] or '')
    call('HSET', key, 'state', 'dead', 'outcome', reason, 'reason', reason, 'finished_at', at, 'dead_entry', entry,
        'history', remember(record, reason, err))
    if err ~= '' then
        call('HSET', key, 'error', err)
    end
    events[#events + 1] = '{"event":"dead","queue":"' .. queue .. '","job":"' .. queue .. '/' .. id .. '","at":' .. at
        .. ',"attempt":' .. record[ATTEMPTS] .. ',"reason":"' .. reason .. '"}'
end

-- Tells of the buried, all in one message, an event a line.
local function tellOfTheDead()
    if #events > 0 then
        call('HINCRBY', base .. 'counters', 'dead', #events)
        call('PUBLISH', base .. 'events', table.concat(events, '\n'))
    end
end

-- Adds to `queued` ({ 'ZADD', queued, score, id, … }), and wakes the other hosts when nothing was there before.
local function ready(added)
    if #added > 2 and call(unpack(added)) == call('ZCARD', queued) then
        wake()
    end
end

-- Ends attempts whose worker is silent or gone; the caller has taken them from `processing`. They go back to their old
-- place, or were the last.
local function giveBack(records, outcome)
    local added = { 'ZADD', queued }
    for k = 1, #records do
        local record = records[k]
        if tonumber(record[ATTEMPTS]) >= tonumber(record[MAX]) then
            bury(record, outcome, '')
            record.dead = true
        else
            call('HSET', record.key, 'state', 'queued', 'outcome', outcome, 'history', remember(record, outcome, ''))
            added[#added + 1], added[#added + 2] = record[SCORE], record.id
        end
    end
    call('HINCRBY', base .. 'counters', 'reclaimed', #records)
    tellOfTheDead()
    return added
end
