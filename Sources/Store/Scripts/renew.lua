-- Stands before the scripts that give jobs a new life: from where they wait or ended to `queued`, as if just enqueued.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.
local sets = { scheduled = base .. 'scheduled', retrying = base .. 'retrying' }
local function renewable(state)
    return state == 'dead' or state == 'cancelled' or sets[state] ~= nil
end

-- `records` are { state, priority, dead_entry, id = …, key = … } of distinct jobs in a renewable state.
local function renew(records)
    if #records == 0 then
        return
    end
    local queued, counters, ended = base .. 'queued', base .. 'counters', 0
    local wasEmpty, added = call('ZCARD', queued) == 0, { 'ZADD', queued }
    for k = 1, #records do
        local record = records[k]
        local set = sets[record[1]]
        if set then
            call('ZREM', set, record.id)
        else
            ended = ended + 1
            if record[3] then
                call('XDEL', base .. 'dead', record[3])
            end
        end
        call('HDEL', record.key, 'attempts', 'token', 'outcome', 'reason', 'finished_at', 'run_at', 'dead_entry',
            'lease', 'worker')
        call('HSET', record.key, 'state', 'queued')
    end
    local seq = call('HINCRBY', counters, 'seq', #records) - #records
    for k = 1, #records do
        local record = records[k]
        added[#added + 1] = string.format('%.0f', seq + k - (record[2] or 0) * 35184372088832)
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
