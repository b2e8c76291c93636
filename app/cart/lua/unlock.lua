-- Take the note of one checkout off a guest's open cart; another checkout's note stays.
-- KEYS  1 cart:{<id>}
-- ARGV  1 checkout id
-- Gives 1 when it was there, else 0.
local status, checkout = unpack(redis.call("HMGET", KEYS[1], "status", "checkout"))
if status ~= "open" or checkout ~= ARGV[1] then return 0 end
redis.call("HSET", KEYS[1], "checkout", "")
return 1
