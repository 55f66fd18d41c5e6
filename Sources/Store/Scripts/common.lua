-- Stands before every script: the names all of them use, and the time of this call.
-- KEYS[1]  what all keys of the queue begin with, as `jobq:{email}:`. All other keys are made from it.
-- ARGV[1]  the queue's name. What follows is told in each script's head; '' stands for "not given".
-- `database`  stands in front of every script: what the names of its channels end with, '' in database 0.
-- Returns  nothing. Every script returns an array that begins with `now`, milliseconds by this server's clock.
-- `now` is rounded down. Delays, leases and times to keep are added to `soon`, so that none of them ends early.
local call, base, queue = redis.call, KEYS[1], ARGV[1]
local time = call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local soon = now + 1
local at = string.format('%s%03d', time[1], now % 1000)
