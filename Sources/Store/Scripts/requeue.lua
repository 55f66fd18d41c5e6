-- Gives named jobs a new life: scheduled, retrying, dead and cancelled ones become ready now, and their attempts count anew.
-- KEYS[1]  base
-- ARGV     queue, origin; then the ids.
-- Returns  now, and for each id: 1 (requeued), 0 (no such job) or the state that does not allow it.

local reply, records, seen = { now }, {}, {}
for i = 3, #ARGV do
    local id = ARGV[i]
    local record = look(id)
    local state = seen[id] or record[STATE]
    if not state then
        reply[i - 1] = 0
    elseif not renewable(state) then
        reply[i - 1] = state
    else
        seen[id] = 'queued'
        records[#records + 1] = record
        reply[i - 1] = 1
    end
end
renew(records)
return reply
