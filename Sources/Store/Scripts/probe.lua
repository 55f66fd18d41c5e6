-- Tries every command that the scripts and the daemon use, in a form that changes nothing, and tells which of them failed.
-- It stands alone: what the other scripts begin with may be missing here.
-- KEYS[1]  a key that nobody uses.
-- ARGV     a channel that nobody listens to.
-- Returns  for each command that failed: its name, the error.
local key, channel, reply = KEYS[1], ARGV[1], {}

-- Errors of the arguments or of the key's type are meant to be: they come behind the check of rights.
local function try(name, ...)
    local answer = redis.pcall(name, ...)
    if type(answer) == 'table' and answer.err then
        reply[#reply + 1] = name
        reply[#reply + 1] = answer.err
        return false
    end
    return true
end

-- A write comes first: once a script has written, a full server no longer refuses it anything. The key lives for a
-- millisecond at most, and what would make a key of another type fails on it.
local isThere = try('SET', key, '', 'PX', 1)
try('TIME')
try('PING')
try('EXISTS', key)
try('GET', key)
try('PTTL', key)
try('PUBSUB', 'NUMSUB', channel)
try('PUBLISH', channel, '')
try('XADD', key, 'NOMKSTREAM', '*', 'probe', '')
try('ZADD', key, 'XX', 0, 'probe')
try('HINCRBY', key, 'probe', 'none')
try('HSET', key, 'probe', '', 'odd')
if isThere then
    try('HSETNX', key, 'probe', '')
    try('LPUSH', key, '')
    try('SADD', key, '')
end
for _, name in ipairs({ 'HGETALL', 'HLEN', 'LLEN', 'SCARD', 'SMEMBERS', 'XLEN', 'ZCARD' }) do
    try(name, key)
end
for _, name in ipairs({ 'HDEL', 'HGET', 'HMGET', 'SREM', 'ZMSCORE', 'ZREM', 'ZSCORE' }) do
    try(name, key, 'probe')
end
try('LRANGE', key, 0, 0)
try('RPOP', key, 1)
try('SCAN', 0, 'COUNT', 1)
try('SSCAN', key, 0, 'COUNT', 1)
try('ZSCAN', key, 0, 'COUNT', 1)
try('XDEL', key, '0-1')
try('XRANGE', key, '-', '+', 'COUNT', 1)
try('XREVRANGE', key, '+', '-', 'COUNT', 1)
try('ZCOUNT', key, 0, 0)
try('ZRANGE', key, 0, 0)
try('ZRANGEBYSCORE', key, 0, 0)
try('ZRANGESTORE', key, key, 0, 0)
try('ZREMRANGEBYRANK', key, 0, 0)
try('ZREMRANGEBYSCORE', key, 0, 0)
try('ZUNIONSTORE', key, 1, key)
try('ZREVRANGEBYSCORE', key, 0, 0)
try('PEXPIREAT', key, 1)
try('PEXPIRE', key, 1)
try('DEL', key)
-- Of a key that is not there: this one would otherwise stay, where nothing else is permitted.
try('PERSIST', key .. ':')
return reply
