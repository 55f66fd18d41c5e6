-- Tells what claims are worth now. Changes nothing.
-- KEYS[1]  base
-- ARGV     queue; then for each claim: id, token.
-- Returns  now, and for each claim: { lease_until, the reason with which its cancellation was asked for or false }, 0 (no
--          such job) or the state of a job whose lease is lost.

local reply = { now }
for i = 2, #ARGV, 2 do
    local record = call('HMGET', base .. 'job:' .. ARGV[i], 'state', 'token', 'cancel')
    local worth = standing(record, ARGV[i + 1], nil)
    if worth == 'held' then
        worth = { call('ZSCORE', base .. 'processing', ARGV[i]) or at, record[3] }
    end
    reply[#reply + 1] = worth
end
return reply
