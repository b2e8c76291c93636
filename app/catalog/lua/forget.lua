-- Forget a product's text; a filler that read the row before is too late from here on.
-- KEYS  1 text   2 generation   3 filler
-- ARGV  1 a fresh random word   2 ms a generation lives
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
