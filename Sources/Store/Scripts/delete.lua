-- Removes named jobs, wherever they are but in a worker's hands.
-- KEYS[1]  base
-- ARGV     queue; then the ids.
-- Returns  now, and for each id: 0 (no such job), or the state it had, and keeps if that is `processing`.

local reply, records, seen = { now }, {}, {}
for i = 2, #ARGV do
    local record = look(ARGV[i])
    local state = not seen[record.id] and record[STATE]
    reply[i] = state or 0
    if state and state ~= 'processing' then
        seen[record.id] = true
        records[#records + 1] = record
    end
end
remove(records)
publish()
return reply
