-- Gives the jobs of one state (and type) a new life, one step of at most 500; dead letters oldest first.
-- KEYS[1]  base
-- ARGV     queue, origin, state, type or '', limit, `run` or `dry`, cursor or '' (`<jobs passed by> <cursor of scan>`).
-- Returns  now; if there is such a queue also requeued (or, dry, that would be), remaining, the next cursor or false.

if call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now }
end
local state, type, limit, dry = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6] == 'dry'
if not renewable(state) then
    return { now, 0, 0, false }
end
local passed, position = string.match(ARGV[7], '^(%d+) (.*)$')
passed = tonumber(passed) or 0
local ids, cursors = scan(state, position or '', 501, true)
local records, looked, seen = {}, 0, {}
while looked < math.min(#ids, 500) and #records < limit do
    looked = looked + 1
    local id = ids[looked]
    local record = look(id)
    if record[STATE] == state and not seen[id] and (type == '' or type == record[TYPE]) then
        seen[id] = true
        records[#records + 1] = record
    end
end
if not dry then
    renew(records)
end
passed = passed + looked - (dry and 0 or #records)
local left = call(state == 'dead' and 'XLEN' or 'ZCARD', base .. state) - passed
local cursor = false
if looked > 0 and looked < #ids then
    cursor = string.format('%.0f ', passed) .. cursors[looked]
end
return { now, #records, math.max(left, 0), cursor }
