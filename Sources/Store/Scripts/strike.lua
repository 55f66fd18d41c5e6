-- Takes a queue off the list of those whose due times have to follow the server's clock, unless that was set back once more.
-- KEYS     <prefix>:moving, <prefix>:clock.
-- ARGV     '', queue, the `moved` that the queue has applied.
-- Returns  now.

if call('HGET', KEYS[2], 'moved') == ARGV[3] then
    call('ZREM', KEYS[1], ARGV[2])
end
return { now }
