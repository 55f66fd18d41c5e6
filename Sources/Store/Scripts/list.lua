-- Shows a page of the jobs in one state. Looks at 500 jobs and one megabyte at most, so a page can be short.
-- KEYS[1]  base
-- ARGV     queue, state, type or '', limit, cursor or ''.
-- Returns  now; if there is such a queue also the cursor of the next page (false at the end), and for each job
--          { id, lease_until or false, then the fields named below }.

if call('EXISTS', base .. 'counters', base .. 'policy') == 0 then
    return { now }
end
local state, type, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local ids, cursors = scan(state, ARGV[5], 501, false)
local reply, bytes, looked = { now, false }, 0, 0
while looked < math.min(#ids, 500) and #reply - 2 < limit and bytes < 1048576 do
    looked = looked + 1
    local id = ids[looked]
    local job = call('HMGET', base .. 'job:' .. id, 'state', 'type', 'priority', 'attempts', 'max_attempts', 'meta',
        'error', 'progress', 'reason', 'worker', 'enqueued_at', 'run_at', 'claimed_at', 'finished_at', 'history', 'unique',
        'expires_at', 'cancel')
    if job[1] == state and (type == '' or job[2] == type) then
        bytes = bytes + #(job[6] or '') + #(job[7] or '') + #(job[8] or '') + #(job[15] or '')
        table.insert(job, 1, state == 'processing' and call('ZSCORE', base .. state, id))
        table.insert(job, 1, id)
        reply[#reply + 1] = job
    end
end
if looked < #ids then
    reply[2] = cursors[looked]
end
return reply
