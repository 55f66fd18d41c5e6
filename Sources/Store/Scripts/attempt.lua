-- Stands before the scripts in which an attempt ends otherwise than well: history, dead letters, the way back. Needs
-- token.lua, wake.lua, tell.lua and finish.lua.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.
local jobs, processing, queued = base .. 'job:', base .. 'processing', base .. 'queued'
local policy = call('HMGET', base .. 'policy', 'tracked', 'backoff')
local tracked = policy[1]
if tracked then
    call('ZCARD', base .. 'cancelled')
end

-- The fields these scripts look at; an array of them is called `record` below, with the id as 'id' and the key as 'key'.
-- Those from CANCEL on stay nil in a queue none of whose jobs ever had them.
local STATE, TOKEN, OUTCOME, ATTEMPTS, MAX, WORKER, CLAIMED_AT, HISTORY, SCORE, RUN_AT, BACKOFF = 1, 2, 3, 4, 5, 6, 7, 8,
    9, 10, 11
local CANCEL, UNIQUE, KEEP, EXPIRES_AT = 12, 13, 14, 15
local function look(id)
    local key = jobs .. id
    local record
    if tracked then
        record = call('HMGET', key, 'state', 'token', 'outcome', 'attempts', 'max_attempts', 'worker', 'claimed_at',
            'history', 'score', 'run_at', 'backoff', 'cancel', 'unique', 'keep_ms', 'expires_at')
    else
        record = call('HMGET', key, 'state', 'token', 'outcome', 'attempts', 'max_attempts', 'worker', 'claimed_at',
            'history', 'score', 'run_at', 'backoff')
    end
    record.id, record.key = id, key
    return record
end

-- Looks at the jobs that a call names from ARGV[from] on, `width` arguments each, id and token in front, and takes those
-- whose attempt ends now from `processing`: the first write of these scripts, one that frees memory. Returns the reply,
-- complete for all others (`again` tells what an earlier call had for an answer, 3 is a job that ended as cancelled);
-- those held, each once, with its place in ARGV as 'i' and in the reply as 'r'; and for the places of doubles in the
-- reply that of the first.
local function gather(from, width, outcome, again)
    local reply, held, ended, first, doubles = { now }, {}, { 'ZREM', processing }, {}, {}
    for i = from, #ARGV, width do
        local id, r = ARGV[i], #reply + 1
        local record = look(id)
        local worth = standing(record, ARGV[i + 1], outcome)
        if worth == 'held' then
            worth = 0
            if first[id] then
                doubles[r] = first[id]
            else
                first[id] = r
                record.i, record.r = i, r
                held[#held + 1], ended[#ended + 1] = record, id
            end
        elseif worth == 'ended' then
            worth = record[STATE] == 'cancelled' and 3 or again(record)
        end
        reply[r] = worth
    end
    if #held > 0 then
        call(unpack(ended))
    end
    return reply, held, doubles
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
local buried = 0
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
    free(id, record[UNIQUE])
    buried = buried + 1
    tell('dead', id, record[ATTEMPTS], ' - ' .. reason)
end

-- The attempt of a flagged job ended, with what is said as field, value, …: the job ends as cancelled, see `settle`.
local cancelled = {}
local function abandon(record, ...)
    call('HSET', record.key, ...)
    cancelled[#cancelled + 1] = {
        id = record.id, key = record.key, unique = record[UNIQUE], keep = record[KEEP], attempts = record[ATTEMPTS],
        reason = record[CANCEL],
    }
end

-- The last step of a script: ends and counts those who do not go on, and tells of all.
local function settle()
    finish('cancelled', cancelled)
    if buried > 0 then
        call('HINCRBY', base .. 'counters', 'dead', buried)
    end
    publish()
end

-- Adds to `queued` ({ 'ZADD', queued, score, id, … }), and wakes the other hosts when nothing was there before.
local function ready(added)
    if #added > 2 and call(unpack(added)) == call('ZCARD', queued) then
        wake()
    end
end

-- Ends attempts whose worker is silent or gone; the caller has taken them from `processing`. They go back to their old
-- place, or were the last. Puts what came of it into each record's STATE: 1 (queued), 2 (dead), 3 (cancelled).
local function giveBack(records, outcome)
    local added = { 'ZADD', queued }
    for k = 1, #records do
        local record = records[k]
        if record[CANCEL] then
            abandon(record, 'outcome', outcome, 'history', remember(record, outcome, ''))
            record[STATE] = 3
        elseif tonumber(record[ATTEMPTS]) >= tonumber(record[MAX]) then
            bury(record, outcome, '')
            record[STATE] = 2
        else
            call('HSET', record.key, 'state', 'queued', 'outcome', outcome, 'history', remember(record, outcome, ''))
            added[#added + 1], added[#added + 2] = record[SCORE], record.id
            tell('reclaimed', record.id, record[ATTEMPTS], ' - ' .. outcome)
            record[STATE] = 1
        end
    end
    call('HINCRBY', base .. 'counters', 'reclaimed', #records)
    return added
end
