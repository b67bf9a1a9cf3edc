-- `ledger.py` again, run inside Redis: a trade is one step, and its time is that of Redis.
-- KEYS[1]: root of all keys. ARGV: the trade (MessagePack), an epoch to begin if the old one is lost, grace, dead.
-- <root>                 hash: epoch, count, opened, heard, woken
-- <root>:<epoch>:heard   sorted set: replica -> time of its last trade
-- <root>:<epoch>:number  hash: replica -> number of its last trade
-- <root>:<epoch>:<pool>  hash: total, recorded, and for each replica what it has taken
local UNKNOWN, SHARES, SHARES_OF_BUDGETS, KEPT, DAY = -1, 8, 64, 60, 86400
local root, trade = KEYS[1], cmsgpack.unpack(ARGV[1])
local grace, dead = tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000

local function number(value) return tonumber(value or nil) or 0 end
local function digits(value) return string.format('%.0f', value) end

local book = redis.call('HMGET', root, 'epoch', 'count', 'opened', 'heard', 'woken')
local epoch, count, opened, heard, woken = book[1], number(book[2]), number(book[3]), number(book[4]), number(book[5])
if not epoch or (trade.epoch == epoch and trade.count > count) then
  epoch, count, opened, heard, woken = ARGV[2], 0, now, now, now
end
local since, wait = now - opened, 0
if since >= 0 and since < grace then wait = grace - since end
local here = root .. ':' .. epoch .. ':'
if trade.number <= number(redis.call('HGET', here .. 'number', trade.replica)) then
  return cmsgpack.pack({epoch = epoch, count = count, wait = wait, grants = {}, left = {}})
end
if now - heard > dead / 2 then woken = now end
count = count + 1
redis.call('HSET', root, 'epoch', epoch, 'count', digits(count), 'opened', string.format('%.6f', opened),
  'heard', string.format('%.6f', now), 'woken', string.format('%.6f', woken))
redis.call('ZADD', here .. 'heard', string.format('%.6f', now), trade.replica)
redis.call('HSET', here .. 'number', trade.replica, digits(trade.number))
redis.call('EXPIRE', here .. 'heard', DAY)
redis.call('EXPIRE', here .. 'number', DAY)
local living = redis.call('ZCOUNT', here .. 'heard', string.format('%.6f', now - dead), '+inf')

local function free(pool)
  local fields = redis.call('HGETALL', pool)
  for at = 1, #fields, 2 do
    local replica = fields[at]
    if replica ~= 'total' and number(redis.call('ZSCORE', here .. 'heard', replica)) < now - dead then
      redis.call('HDEL', pool, replica)
      redis.call('HINCRBY', pool, 'total', '-' .. fields[at + 1])
    end
  end
end

local grants, left = {}, {}
for at, stake in ipairs(trade.stakes) do
  local pool = here .. stake.pool
  if stake.held and now - woken > dead / 2 then free(pool) end
  local kept = redis.call('HMGET', pool, 'total', trade.replica, 'recorded')
  local total, mine, recorded = number(kept[1]), number(kept[2]), tonumber(kept[3] or nil)
  local asked = stake.recorded
  if asked and asked ~= UNKNOWN and not recorded and wait == 0 then
    recorded = asked
    redis.call('HSET', pool, 'recorded', digits(recorded))
  end
  local grant, rest = 0, 0
  if wait == 0 and asked and not recorded then
    rest = UNKNOWN
  elseif wait == 0 then
    rest = math.max(0, stake.size - (recorded or 0) - (total - mine + stake.taken))
    if stake.want > 0 and rest >= stake.least then
      local shares = asked and SHARES_OF_BUDGETS or SHARES
      grant = math.min(rest, math.max(stake.want, math.floor(rest / (living * shares))))
      rest = rest - grant
    end
  end
  local taken = stake.taken + grant
  total = total + taken - mine
  if not trade.leaving then
    redis.call('HSET', pool, trade.replica, digits(taken))
  else
    redis.call('HDEL', pool, trade.replica)
    if stake.held then total = total - taken end
  end
  redis.call('HSET', pool, 'total', digits(total))
  if stake['until'] > 0 then -- and not at once where the replica's clock is late
    redis.call('EXPIREAT', pool, digits(math.ceil(math.max(stake['until'], now + KEPT) + KEPT)))
  elseif stake.held then
    redis.call('EXPIRE', pool, DAY)
  end
  grants[at], left[at] = grant, rest
end
if trade.leaving then redis.call('ZREM', here .. 'heard', trade.replica) end
return cmsgpack.pack({epoch = epoch, count = count, wait = wait, grants = grants, left = left})
