-- Looks at many queues for what is due or can be claimed, at the least cost: an idle queue costs two commands, one in which
-- jobs wait three. Changes nothing. A key of another type says nothing here; the sweep of its queue does.
-- KEYS     what all keys of each queue begin with.
-- ARGV     '', until when expired leases may be reclaimed (0: not at all).
-- Returns  now, and for each queue with something due within two seconds or something to claim: its number from 1, the
--          earliest time or 0, 1 if queued jobs can be claimed or 0.

local pcall, reply, r, soon = redis.pcall, { now }, 1, now + 2000
local mayReclaim = now <= tonumber(ARGV[2])
for k = 1, #KEYS do
    local base = KEYS[k]
    local earliest, claimable = nil, 0
    local function consider(time)
        time = tonumber(time)
        if time and (not earliest or time < earliest) then
            earliest = time
        end
    end
    if pcall('EXISTS', base .. 'processing', base .. 'scheduled', base .. 'retrying') ~= 0 then
        local lease = tonumber(pcall('ZRANGE', base .. 'processing', '0', '0', 'WITHSCORES')[2])
        if lease and (mayReclaim or lease > now) then
            consider(lease)
        end
        consider(pcall('ZRANGE', base .. 'scheduled', '0', '0', 'WITHSCORES')[2])
        consider(pcall('ZRANGE', base .. 'retrying', '0', '0', 'WITHSCORES')[2])
    end
    if pcall('EXISTS', base .. 'queued') == 1 then
        local policy = pcall('HMGET', base .. 'policy', 'paused', 'tracked')
        if policy[2] then
            consider(pcall('ZRANGE', base .. 'expiry', '0', '0', 'WITHSCORES')[2])
        end
        if not policy[1] then
            claimable = 1
        elseif policy[1] ~= '1' then
            consider(policy[1])
        end
    end
    earliest = earliest and earliest <= soon and earliest or nil
    if earliest or claimable == 1 then
        reply[r + 1], reply[r + 2], reply[r + 3] = k, earliest or 0, claimable
        r = r + 3
    end
end
return reply
