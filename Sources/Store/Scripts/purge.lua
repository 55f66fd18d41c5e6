-- Removes the jobs of one state (and type, and age), one step of at most 500, oldest first. Never those being processed.
-- KEYS[1]  base
-- ARGV     queue, state, type or '', older_than_ms or '', limit, `run` or `dry`, cursor or '' (`<jobs passed by> <cursor of
--          scan>`).
-- Returns  now; if there is such a queue also removed (or, dry, that would be), remaining, the next cursor or false.

if call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now }
end
local state, type, age, limit, dry = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == 'dry'
if state == 'processing' then
    return { now, 0, 0, false }
end
local since = (state == 'queued' or state == 'scheduled' or state == 'retrying') and ENQUEUED_AT or FINISHED_AT
local passed, position = string.match(ARGV[7], '^(%d+) (.*)$')
passed = tonumber(passed) or 0

-- Completed jobs from the old end of their history, where what was passed by tells the place.
local completed, ids, cursors = base .. 'completed', nil, nil
if state == 'completed' then
    local found = call('LRANGE', completed, -(passed + 501), -(passed + 1))
    ids = {}
    for k = 1, #found do
        ids[k] = found[#found + 1 - k]
    end
else
    ids, cursors = scan(state, position or '', 501, true)
end

local records, looked, seen, lost, atEnd = {}, 0, {}, 0, passed == 0
while looked < math.min(#ids, 500) and #records < limit do
    looked = looked + 1
    local record = look(ids[looked])
    local stays = not seen[record.id] and record[STATE] == state
    if stays and (type == '' or type == record[TYPE]) and (not age or now - (record[since] or now) >= age) then
        seen[record.id] = true
        records[#records + 1] = record
        stays = dry
    end
    -- Names in the history without a job go once they are the last.
    atEnd = atEnd and not stays
    lost = lost + (atEnd and 1 or 0)
end
if not dry then
    remove(records)
end

local left
if state == 'completed' then
    if not dry and lost > 0 then
        call('RPOP', completed, lost)
        looked = looked - lost
    end
    passed = passed + looked
    left = call('LLEN', completed) - passed
    cursors = left > 0 and string.format('%.0f ', passed)
else
    passed = passed + looked - (dry and 0 or #records)
    left = call(state == 'dead' and 'XLEN' or 'ZCARD', base .. state) - passed
    cursors = looked > 0 and looked < #ids and string.format('%.0f ', passed) .. cursors[looked]
end
publish()
return { now, #records, math.max(left, 0), cursors }
