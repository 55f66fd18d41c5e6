-- The end of the scripts that take jobs in or hand them out: tells of both, while somebody listens. Needs tell.lua.
-- KEYS[1]  base
-- ARGV     of the script.
-- Returns  `reply`.

-- `count` jobs came, those with a key among the `keys` are new; `given` is what the claims got, or nil.
if isListened then
    for k = 1, count do
        if keys[k] then
            local due = reply[k + 1]
            tell('enqueued', ARGV[k * 4 - 1], 0, due == 0 and '' or string.format(' %.0f', due))
        end
    end
    for k = 4, given and #given or 0 do
        tell('claimed', given[k][1], given[k][5], '')
    end
end
publish()
return reply
