-- Stands before the scripts that walk through the jobs of one state: the next ones behind a cursor, without changing any.
-- KEYS[1]  base
-- ARGV     of the script behind it.
-- Returns  nothing.

-- The order of ids in a sorted set. Lua's own `<` follows the server's locale.
local function before(a, b)
    for i = 1, math.min(#a, #b) do
        local x, y = string.byte(a, i, i), string.byte(b, i, i)
        if x ~= y then
            return x < y
        end
    end
    return #a < #b
end

-- How many members of a set stand at or before a score and member, whether those are (still) in it or not.
local function rank(set, score, member)
    local low = call('ZCOUNT', set, '-inf', '(' .. score)
    local high = low + call('ZCOUNT', set, score, score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        if before(member, call('ZRANGE', set, middle, middle)[1]) then
            high = middle
        else
            low = middle + 1
        end
    end
    return low
end

-- The number at a place of the cursor; none when Redis would refuse it as too great.
local function number(cursor, place)
    local digits = string.match(cursor, place)
    return digits and #digits <= 15 and tonumber(digits)
end

-- Up to `count` ids behind the cursor ('' for the beginning), and for each the cursor that stands behind it.
-- Sorted sets go by score (cursor `<score> <id>`; cancelled and expired jobs by when they go), completed jobs newest first (cursor: how many were seen), dead letters
-- by their entries (cursor: the entry), newest first or, when `oldest`, oldest first. What is no cursor is the beginning.
local function scan(state, cursor, count, oldest)
    local ids, cursors = {}, {}
    if state == 'dead' then
        local entry = number(cursor, '^(%d+)%-%d+$') and number(cursor, '^%d+%-(%d+)$') and cursor
        local entries
        if oldest then
            entries = call('XRANGE', base .. 'dead', entry and '(' .. entry or '-', '+', 'COUNT', count)
        else
            entries = call('XREVRANGE', base .. 'dead', entry and '(' .. entry or '+', '-', 'COUNT', count)
        end
        for k = 1, #entries do
            ids[k], cursors[k] = string.sub(entries[k][2][2], #queue + 2), entries[k][1]
        end
    elseif state == 'completed' then
        local from = number(cursor, '^(%d+)$') or 0
        ids = call('LRANGE', base .. 'completed', from, from + count - 1)
        for k = 1, #ids do
            cursors[k] = string.format('%.0f', from + k)
        end
    else
        local set, from = base .. state, 0
        local score, member = string.match(cursor, '^(%-?%d+) (.*)$')
        if score then
            from = rank(set, score, member)
        end
        local found = call('ZRANGE', set, from, from + count - 1, 'WITHSCORES')
        for k = 1, #found / 2 do
            ids[k], cursors[k] = found[2 * k - 1], found[2 * k] .. ' ' .. found[2 * k - 1]
        end
    end
    return ids, cursors
end
