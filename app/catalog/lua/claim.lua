-- Look for a product's text; where there is none, let one caller at a time fill it.
-- KEYS  1 text   2 generation   3 filler
-- ARGV  1 a fresh random word   2 ms a generation lives   3 ms one filler may take
-- Gives {text} when it is there; else {false, generation, 1} to the filler, {false, generation, 0}
-- to everyone who comes while somebody fills.
local text = redis.call('GET', KEYS[1])
if text then
  return {text}
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) == false then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
local mine = redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[3])
return {false, redis.call('GET', KEYS[2]), mine and 1 or 0}
