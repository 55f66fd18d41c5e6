-- A page of the event log: the entries behind a seq, until they hold enough events. An entry's id is the seq of its last
-- event, so the first entry may also hold events that are not behind it.
-- KEYS[1]  base
-- ARGV     queue, the seq, how many events are enough.
-- Returns  now, 1 when the log ended here, else 0; then of each entry its id and its text.

local log, start, enough = base .. 'events', '(' .. ARGV[2], tonumber(ARGV[3])
-- Few at a time: an entry holds up to a thousand events.
local step, found, reply = 20, 0, { now, 0 }
while true do
    local entries = call('XRANGE', log, start, '+', 'COUNT', step)
    for k = 1, #entries do
        local id, text = entries[k][1], entries[k][2][2]
        reply[#reply + 1] = id
        reply[#reply + 1] = text
        found = found + 1 + select(2, string.gsub(text, '\n', ''))
        if found >= enough then
            if #entries < step and k == #entries then
                reply[2] = 1
            end
            return reply
        end
        start = '(' .. id
    end
    if #entries < step then
        reply[2] = 1
        return reply
    end
end
