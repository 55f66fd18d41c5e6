-- Stands before the scripts that remove jobs, wherever these are but in a worker's hands. Needs tell.lua and finish.lua.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- What `remove` has to know of a job.
local STATE, ATTEMPTS, UNIQUE, EXPIRES_AT, ENTRY, TYPE, ENQUEUED_AT, FINISHED_AT = 1, 2, 3, 4, 5, 6, 7, 8
local function look(id)
    local key = base .. 'job:' .. id
    local record = call('HMGET', key, 'state', 'attempts', 'unique', 'expires_at', 'dead_entry', 'type', 'enqueued_at',
        'finished_at')
    record.id, record.key = id, key
    return record
end
call('XLEN', base .. 'dead')

-- `records` are of distinct jobs, none of them processing. Only those that waited count as deleted: the others were
-- counted when they ended. The history of completed jobs keeps the names, as it does when a record's time is over.
local function remove(records)
    if #records == 0 then
        return
    end
    local places, gone, waiting = {}, { 'DEL' }, 0
    local function leave(command, place, member)
        local leaving = places[place] or { command, base .. place }
        leaving[#leaving + 1] = member
        places[place] = leaving
    end
    for k = 1, #records do
        local record = records[k]
        local id, state = record.id, record[STATE]
        if state == 'dead' then
            if record[ENTRY] then
                leave('XDEL', 'dead', record[ENTRY])
            end
        elseif state ~= 'completed' then
            leave('ZREM', state, id)
            if record[EXPIRES_AT] then
                leave('ZREM', 'expiry', id)
            end
            if state ~= 'cancelled' and state ~= 'expired' then
                waiting = waiting + 1
            end
        end
        gone[#gone + 1] = record.key
        tell('deleted', id, record[ATTEMPTS] or 0, ' - ' .. state)
    end

    -- All these free memory.
    for _, leaving in pairs(places) do
        call(unpack(leaving))
    end
    for k = 1, #records do
        free(records[k].id, records[k][UNIQUE])
    end
    call(unpack(gone))
    if waiting > 0 then
        call('HINCRBY', base .. 'counters', 'deleted', waiting)
    end
end
