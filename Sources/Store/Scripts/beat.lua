-- One beat of a daemon, about one a second. Keeps the last time at which a daemon was connected to this server. So whoever is
-- connected next learns that all were away, or that this server's clock was set, and all daemons agree on what follows.
-- KEYS     <prefix>:clock (hash), <prefix>:queues, <prefix>:moving (sorted set: a queue, and the `moved` it has applied).
-- ARGV     '', then of this daemon's last answered beat: its time or '', the ms since then, the `moved` it told; then the
--          longest lease that this daemon gave and that ran at that beat or later (ms, 0: none).
-- Returns  now; until when expired leases stay (0: they are reclaimed); for how long nobody was connected, if this call
--          noticed it, else 0; by how much this clock was set back, if this call noticed it, else 0; by how much it was set
--          back in all (`moved`); how many queues still have to be moved; the number of queues.

-- Without a beat for that long nobody may reclaim: this is also for how long a beat gives the right to.
local RIGHT = 3000
local key, queues, moving = KEYS[1], KEYS[2], KEYS[3]
local text = '%.0f'
local clock = call('HMGET', key, 'seen', 'moved', 'paused_until', 'longest', 'longest_until')
local seen, moved, paused = tonumber(clock[1]), tonumber(clock[2]) or 0, tonumber(clock[3]) or 0
local longest, lasts, count = tonumber(clock[4]) or 0, tonumber(clock[5]) or 0, call('SCARD', queues)
local mine, elapsed, given = tonumber(ARGV[2]), tonumber(ARGV[3]) or 0, tonumber(ARGV[5])
-- A step back that another daemon noticed first is none any more.
mine = mine and mine - (moved - ARGV[4])

-- The error of a write, or nil. A full Redis takes what ends and renews jobs, so its beats count; one that refuses all writes
-- (a full disk, replicas that are away) is as one that is away, since no lease can be renewed.
local function refusal(...)
    local done = redis.pcall(...)
    return type(done) == 'table' and done.err or nil
end
local function isFull(err)
    return string.find(err, '^%-?OOM') ~= nil
end

-- Two clocks drift apart by up to half a second in a thousand.
local back, gap = math.max(seen or 0, mine and mine + elapsed or 0) - now, 0
if back > 2000 + elapsed / 500 then
    -- When this is refused, the next beat notices the step again.
    if refusal('ZUNIONSTORE', moving, 2, moving, queues, 'WEIGHTS', 1, string.format(text, moved), 'AGGREGATE', 'MIN') then
        return { now, paused, 0, 0, moved, call('ZCARD', moving), count }
    end
    moved = moved + back
    paused, lasts, seen, mine = math.max(paused - back, 0), lasts - back, now, now
    call('HSET', key, 'moved', string.format(text, moved), 'moved_since', string.format(text, now - elapsed - 100),
        'paused_until', string.format(text, paused))
else
    back = 0
    local last = math.max(seen or 0, mine or 0)
    if last == 0 and count > 0 then
        -- These queues were made by a version without beats.
        longest, lasts = 30000, now + 30000
    end
    if now - last > RIGHT and count > 0 then
        gap = last > 0 and now - last or 0
        longest = math.max(lasts > last and longest or 0, given)
        if longest > 0 then
            -- A gap shorter than a tenth of a lease cost its worker one heartbeat, and the next one comes in time.
            paused = math.max(paused, now + math.min(longest, 10 * (now - last)))
        end
        lasts = math.max(lasts, paused)
        refusal('HSET', key, 'paused_until', string.format(text, paused))
    end
end
if given >= longest or lasts < now then
    longest, lasts = given, now + given
end
local err = refusal('HSET', key, 'seen', at, 'longest', string.format(text, longest), 'longest_until',
    string.format(text, lasts))
if err and not isFull(err) then
    return redis.error_reply(err)
end
return { now, paused > now and paused or 0, gap, back, moved, call('ZCARD', moving), count }
