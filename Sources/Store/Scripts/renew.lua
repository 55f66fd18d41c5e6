-- Stands before the scripts that give jobs a new life: from where they wait or ended to `queued`, as if just enqueued.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.
local sets = { scheduled = base .. 'scheduled', retrying = base .. 'retrying', cancelled = base .. 'cancelled' }
local function renewable(state)
    return state == 'dead' or sets[state] ~= nil
end

-- What `renew` has to know of a job.
local STATE, PRIORITY, ENTRY, UNIQUE, ATTEMPTS, EXPIRES_AT, TYPE = 1, 2, 3, 4, 5, 6, 7
local function look(id)
    local key = base .. 'job:' .. id
    local record = call('HMGET', key, 'state', 'priority', 'dead_entry', 'unique', 'attempts', 'expires_at', 'type')
    record.id, record.key = id, key
    return record
end

-- `records` are of distinct jobs in a renewable state.
local function renew(records)
    if #records == 0 then
        return
    end
    local queued, counters, ended = base .. 'queued', base .. 'counters', 0
    local lifo = call('HGET', base .. 'policy', 'order') == 'lifo'
    local wasEmpty, added = call('ZCARD', queued) == 0, { 'ZADD', queued }
    for k = 1, #records do
        local record = records[k]
        local id, key, set = record.id, record.key, sets[record[STATE]]
        if set then
            call('ZREM', set, id)
        elseif record[ENTRY] then
            call('XDEL', base .. 'dead', record[ENTRY])
        end
        call('HDEL', key, 'attempts', 'token', 'outcome', 'reason', 'finished_at', 'run_at', 'dead_entry', 'lease',
            'worker', 'cancel')
        call('HSET', key, 'state', 'queued')
        if record[STATE] == 'dead' or record[STATE] == 'cancelled' then
            ended = ended + 1
            -- It gave its key back when it ended. Without it, if another job has it now; `check` wants to know.
            if record[UNIQUE] then
                if call('SET', base .. 'unique:' .. record[UNIQUE], id, 'NX') then
                    call('HDEL', key, 'unique_loose')
                else
                    call('HSET', key, 'unique_loose', '1')
                end
            end
        end
        -- Only a job that was never started, and waits for that still, can expire.
        if record[EXPIRES_AT] and not (record[STATE] == 'scheduled' and (record[ATTEMPTS] or '0') == '0') then
            call('ZREM', base .. 'expiry', id)
            call('HDEL', key, 'expires_at')
        end
    end
    local number = call('HINCRBY', counters, lifo and 'front' or 'seq', #records) - #records
    for k = 1, #records do
        local record = records[k]
        number = number + 1
        added[#added + 1] = string.format('%.0f', (lifo and -number or number) - (record[PRIORITY] or 0) * 35184372088832)
        added[#added + 1] = record.id
    end
    call(unpack(added))
    if ended > 0 then
        call('HINCRBY', counters, 'requeued', ended)
    end
    if wasEmpty then
        wake()
    end
end
