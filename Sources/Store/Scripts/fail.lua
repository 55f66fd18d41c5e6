-- Ends attempts badly: to `retrying` until the backoff is over, or among the dead letters when none is left. A job whose
-- cancellation was asked for is cancelled.
-- KEYS[1]  base
-- ARGV     queue; then for each job: id, token, error or '', `retry` or `bury`, retry_in_ms or '', a random number 0 ≤ r < 1.
-- Returns  now, and for each job: when it runs again, 1 (dead), 3 (cancelled), 0 (no such job) or the state of a job whose
--          lease is lost; the same again when it had failed with this token before.

local retrying = base .. 'retrying'
call('ZCARD', retrying)
call('XLEN', base .. 'dead')
local reply, held, doubles = gather(2, 6, 'failed', function(record)
    return record[STATE] == 'dead' and 1 or tonumber(record[RUN_AT])
end)
if #held == 0 then
    return reply
end

local standard, later = policy[2] or 'exponential 1000 3600000 0.5', { 'ZADD', retrying }
for k = 1, #held do
    local record = held[k]
    local i, attempt = record.i, tonumber(record[ATTEMPTS])
    local err, wish = ARGV[i + 2], ARGV[i + 4]
    if record[CANCEL] then
        if err ~= '' then
            call('HSET', record.key, 'error', err)
        end
        abandon(record, 'outcome', 'failed', 'history', remember(record, 'failed', err))
        reply[record.r] = 3
    elseif ARGV[i + 3] == 'retry' and attempt < tonumber(record[MAX]) then
        local delay
        if wish ~= '' then
            delay = tonumber(wish)
        else
            local kind, least, most, jitter = string.match(record[BACKOFF] or standard, '^(%S+) (%S+) (%S+) (%S+)$')
            local step = kind == 'exponential' and 2 ^ math.min(attempt - 1, 62) or kind == 'linear' and attempt or 1
            delay = math.floor(math.min(tonumber(most), least * step) * (1 - jitter * ARGV[i + 5]))
        end
        delay = delay > 0 and soon + delay or now
        local due = string.format('%.0f', delay)
        if err == '' then
            call('HSET', record.key, 'state', 'retrying', 'outcome', 'failed', 'run_at', due, 'history',
                remember(record, 'failed', err))
        else
            call('HSET', record.key, 'state', 'retrying', 'outcome', 'failed', 'run_at', due, 'history',
                remember(record, 'failed', err), 'error', err)
        end
        later[#later + 1], later[#later + 2] = due, record.id
        reply[record.r] = delay
        tell('retrying', record.id, record[ATTEMPTS], ' ' .. due)
    else
        bury(record, 'failed', err)
        reply[record.r] = 1
    end
end
for r, first in pairs(doubles) do
    reply[r] = reply[first]
end
local counters = base .. 'counters'
call('HINCRBY', counters, 'failed', #held)
if #later > 2 then
    call(unpack(later))
    call('HINCRBY', counters, 'retried', (#later - 2) / 2)
end
settle()
return reply
