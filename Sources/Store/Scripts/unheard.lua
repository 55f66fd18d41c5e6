-- Stands in front of what only listeners need: ends the script when there are none.
-- KEYS[1]  base
-- ARGV     of the script.
-- Returns  `reply`.
if not isListened then
    return reply
end
