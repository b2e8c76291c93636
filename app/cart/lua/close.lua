-- Mark a guest's cart as bought, for good.
-- KEYS  1 cart:{<id>}
-- ARGV  1 checkout id
-- Gives 1 when marked, 0 when there is no such cart.
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], "status", "ordered", "checkout", ARGV[1])
return 1
