-- Drop a guest's cart that was merged into a person's, unless it was written meanwhile.
-- KEYS  1 cart:{<id>}
-- ARGV  1 the version that was merged
-- Gives 1 when dropped, else 0: what was added meanwhile is there for the next merge.
if redis.call("HGET", KEYS[1], "version") ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])
