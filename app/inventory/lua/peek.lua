-- Look at SKUs before they are loaded or checked.
-- KEYS  1 {tag}:dirty; then per SKU
--       {tag}:free:<sku> {tag}:flight:<sku> {tag}:qty:<sku> {tag}:gen:<sku>
-- ARGV  1 a fresh generation; then each sku
-- Gives per SKU {generation, counter or '' when not loaded, ms since it was marked dirty or -1,
--       then admission id and quantity of each in flight}.
-- Keeps: a SKU without a generation gets the fresh one, which nobody can have seen; who lapsed
--        leaves the flight, and the SKU dirty.
local dirty, fresh = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen = {}

local function reap(sku, flight, qty, gen)
  local lapsed = redis.call('ZRANGEBYSCORE', flight, '-inf', now)
  for _, gone in ipairs(lapsed) do
    redis.call('ZREM', flight, gone)
    redis.call('HDEL', qty, gone)
  end
  if #lapsed > 0 then
    redis.call('SET', gen, fresh)
    redis.call('ZADD', dirty, 'NX', now, sku)
  end
end

for line = 1, (#KEYS - 1) / 4 do
  local free, flight, qty, gen = unpack(KEYS, 4 * line - 2, 4 * line + 1)
  local sku = ARGV[1 + line]
  reap(sku, flight, qty, gen)
  redis.call('SET', gen, fresh, 'NX')
  local marked = redis.call('ZSCORE', dirty, sku)
  local age = marked and string.format('%.0f', math.max(0, now - tonumber(marked))) or '-1'
  local row = {redis.call('GET', gen), redis.call('GET', free) or '', age}
  for _, id in ipairs(redis.call('ZRANGE', flight, 0, -1)) do
    table.insert(row, id)
    table.insert(row, redis.call('HGET', qty, id))
  end
  table.insert(seen, row)
end
return seen
