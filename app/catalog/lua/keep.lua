-- Keep a product's text, unless the product was forgotten since its row was read.
-- KEYS  1 text   2 generation   3 filler
-- ARGV  1 generation seen before the row was read   2 text   3 ms it is kept   4 the filler's own word
-- Gives 1 when kept, 0 when it came too late.
if redis.call('GET', KEYS[3]) == ARGV[4] then
  redis.call('DEL', KEYS[3])
end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
