-- Set the counters from what PostgreSQL says, unless anything moved since the peek.
-- KEYS  1 {tag}:dirty; then per SKU
--       {tag}:free:<sku> {tag}:flight:<sku> {tag}:qty:<sku> {tag}:gen:<sku>
-- ARGV  1 a fresh generation; then per SKU: sku, generation peeked, value, how many admissions are
--       known, and the id of each known
-- Gives per SKU 1 when loaded (and clean), 0 when its generation had changed (and it is dirty).
-- Keeps: counter = value − Σ in flight not known. The generation changes with a load too: of two
--        loads that looked at the same time, the one with the older value must not win.
local dirty, fresh = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local loaded, at = {}, 2

for line = 1, (#KEYS - 1) / 4 do
  local free, flight, qty, gen = unpack(KEYS, 4 * line - 2, 4 * line + 1)
  local sku, peeked = ARGV[at], ARGV[at + 1]
  local value, count = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local known = {}
  for i = at + 4, at + 3 + count do known[ARGV[i]] = true end
  at = at + 4 + count
  if redis.call('GET', gen) == peeked then
    for _, id in ipairs(redis.call('ZRANGE', flight, 0, -1)) do
      if not known[id] then value = value - tonumber(redis.call('HGET', qty, id)) end
    end
    redis.call('SET', free, string.format('%.0f', value))
    redis.call('SET', gen, fresh)
    redis.call('ZREM', dirty, sku)
    table.insert(loaded, 1)
  else
    redis.call('ZADD', dirty, 'NX', now, sku)
    table.insert(loaded, 0)
  end
end
return loaded
