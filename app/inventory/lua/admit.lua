-- Admit the lines of one checkout, all of them or none.
-- KEYS  1 {tag}:dirty; then per line
--       {tag}:free:<sku> {tag}:flight:<sku> {tag}:qty:<sku> {tag}:gen:<sku>
-- ARGV  1 admission id   2 ms until it lapses   3 a fresh generation; then per line: sku, quantity
-- Gives {1} when admitted, also when this admission is in flight already;
--       {0, line, left, …} for each line that is short; {-1, line, …} for each that is not loaded.
-- Keeps: free is only ever lowered here; who lapsed leaves the flight, and the SKU dirty.
local dirty, id, fresh = KEYS[1], ARGV[1], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lapses_at = now + tonumber(ARGV[2])
local missing, short, taken = {-1}, {0}, {}

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
  local sku, wanted = ARGV[2 * line + 2], tonumber(ARGV[2 * line + 3])
  reap(sku, flight, qty, gen)
  local left = redis.call('GET', free)
  if not left then
    table.insert(missing, line)
  elseif not redis.call('ZSCORE', flight, id) then
    if tonumber(left) < wanted then
      table.insert(short, line)
      table.insert(short, math.max(0, tonumber(left)))
    end
    table.insert(taken, {free, flight, qty, gen, wanted})
  end
end

if #missing > 1 then return missing end
if #short > 1 then return short end
for _, line in ipairs(taken) do
  local free, flight, qty, gen, wanted = unpack(line)
  redis.call('DECRBY', free, wanted)
  redis.call('ZADD', flight, lapses_at, id)
  redis.call('HSET', qty, id, wanted)
  redis.call('SET', gen, fresh)
end
return {1}
