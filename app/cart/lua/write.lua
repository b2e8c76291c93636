-- Change one line of a guest's cart and let it live on for its full time: all of it or nothing.
-- A cart is a hash: version, status, checkout, currency, added, and `line:<sku>` = "qty price place".
-- KEYS  1 cart:{<id>}
-- ARGV  1 add | change | remove   2 sku   3 qty   4 price seen   5 currency
--       6 version the caller has seen, empty for any   7 ms the cart lives on
--       8 most units a line   9 most lines   10 1 to make the cart when there is none
-- Gives {"ok", <the hash, flat>}, or why not: {"not_found"}, {"ordered"}, {"locked", <checkout>},
--       {"changed", <version>}, {"currency", <the cart's>}, {"no_line"}, {"units", <too many>},
--       {"lines"}. A refusal changes nothing.
local FIELDS = 5 -- those that are not lines

local act, sku, line = ARGV[1], ARGV[2], "line:" .. ARGV[2]
local cart = redis.call("HMGET", KEYS[1], "version", "status", "checkout", "currency", "added", line)
local version, status, checkout, currency, added, there = unpack(cart)

if not version then
  if ARGV[10] ~= "1" then return { "not_found" } end
  version, status, checkout, currency, added = "0", "open", "", "", "0"
end
if status == "ordered" then return { "ordered" } end
if checkout ~= "" then return { "locked", checkout } end
if ARGV[6] ~= "" and ARGV[6] ~= version then return { "changed", version } end
if act ~= "add" and not there then return { "no_line" } end
if act ~= "remove" and currency ~= "" and currency ~= ARGV[5] then
  return { "currency", currency }
end

local lines = math.max(redis.call("HLEN", KEYS[1]) - FIELDS, 0)
if act == "remove" then
  redis.call("HDEL", KEYS[1], line)
  if lines == 1 then currency = "" end
else
  local units, place = tonumber(ARGV[3]), added + 1
  if there then
    local had, _, stood = string.match(there, "^(%d+) (%d+) (%d+)$")
    if act == "add" then units = units + had end
    place = stood
  else
    if lines >= tonumber(ARGV[9]) then return { "lines" } end
    added = place
  end
  if units > tonumber(ARGV[8]) then return { "units", units } end
  currency = ARGV[5]
  redis.call("HSET", KEYS[1], line, units .. " " .. ARGV[4] .. " " .. place)
end

redis.call("HSET", KEYS[1], "version", version + 1, "status", status, "checkout", checkout,
  "currency", currency, "added", added)
redis.call("PEXPIRE", KEYS[1], ARGV[7])
return { "ok", redis.call("HGETALL", KEYS[1]) }
