-- Take an admission out of flight, for its checkout row is committed, or certainly never will be.
-- KEYS  1 {tag}:dirty; then per SKU
--       {tag}:free:<sku> {tag}:flight:<sku> {tag}:qty:<sku> {tag}:gen:<sku>
-- ARGV  1 admission id, '' for nobody's   2 a fresh generation   3 '1' to mark dirty in any case;
--       then each sku
-- Gives how many SKUs were marked dirty: those where the admission was not in flight any more.
-- Keeps: no counter changes here; only `load` raises one. The generation changes, so that a load
--        which looked before this begins again.
local dirty, id, fresh, doubt = KEYS[1], ARGV[1], ARGV[2], ARGV[3] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local marked = 0

for line = 1, (#KEYS - 1) / 4 do
  local _, flight, qty, gen = unpack(KEYS, 4 * line - 2, 4 * line + 1)
  local there = redis.call('ZREM', flight, id) == 1
  redis.call('HDEL', qty, id)
  redis.call('SET', gen, fresh)
  if doubt or not there then
    redis.call('ZADD', dirty, 'NX', now, ARGV[3 + line])
    marked = marked + 1
  end
end
return marked
