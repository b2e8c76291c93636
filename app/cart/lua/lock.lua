-- Note on a guest's open cart which checkout holds it. Only a hint: PostgreSQL decides.
-- KEYS  1 cart:{<id>}
-- ARGV  1 checkout id
-- Gives 1 when noted, 0 when there is no such cart or it was ordered.
if redis.call("HGET", KEYS[1], "status") ~= "open" then return 0 end
redis.call("HSET", KEYS[1], "checkout", ARGV[1])
return 1
