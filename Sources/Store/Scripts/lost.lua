-- Looks for the jobs of claims whose answer never came, by the end of their tokens: one step through `processing`. Changes
-- nothing.
-- KEYS[1]  base
-- ARGV     queue, cursor ('0' for the beginning), then the nonces of the claims.
-- Returns  now, the cursor of the next step ('0': this was the last), and for each job found: id, token.

local wanted = {}
for i = 3, #ARGV do
    wanted[ARGV[i]] = true
end
local step = call('ZSCAN', base .. 'processing', ARGV[2], 'COUNT', '200')
local found, reply = step[2], { now, step[1] }
for i = 1, #found, 2 do
    local token = call('HGET', base .. 'job:' .. found[i], 'token')
    if token and wanted[string.match(token, '%-(.*)$')] then
        reply[#reply + 1], reply[#reply + 2] = found[i], token
    end
end
return reply
