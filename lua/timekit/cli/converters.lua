--- What arguments are converted by: text → value, or nil and what is wrong, as argparse wants it. Each is made for one
-- argument, which it names.
-- Pure: no I/O.
-- @module timekit.cli.converters

local converters = {}

local function made_by(read, expected)
  return function(name)
    return function(text)
      local value = read(text)
      if value == nil then return nil, ("%s: expected %s, got '%s'"):format(name, expected, text) end
      return value
    end
  end
end

local function seconds(text)
  local whole, fraction = text:match "^(%d+)(%.?%d*)$"
  -- Not `tonumber` of all: before Lua 5.3 it goes by the locale's decimal point.
  local digits = fraction and fraction:sub(2) or ""
  return whole and #text <= 15 and tonumber(whole) + (digits == "" and 0 or tonumber(digits) / 10 ^ #digits) or nil
end

local function count(text)
  return text:find "^%d+$" and #text <= 15 and tonumber(text) or nil
end

local function port(text)
  local number = count(text)
  return number and number <= 65535 and number or nil
end

local function concurrency(text)
  local number = count(text)
  return number and number >= 1 and number <= 10000 and number or nil
end

local SECONDS = { s = 1, sec = 1, min = 60, h = 3600 }

-- `{ limit = { per_second = } }`; without `limit` for none. argparse takes false for a failed conversion.
local function rate(text)
  if text == "none" then return {} end
  local number, unit = text:match "^(%d+%.?%d*)/(%a+)$"
  local per_second = number and SECONDS[unit] and seconds(number)
  per_second = per_second and per_second / SECONDS[unit]
  if per_second and per_second > 0 and per_second <= 1e6 then return { limit = { per_second = per_second } } end
end

--- Seconds, a whole number, a port, how many at once, a rate.
-- @tparam string name the argument's
-- @treturn function for argparse
converters.seconds = made_by(seconds, "seconds")
converters.count = made_by(count, "a whole number")
converters.port = made_by(port, "a port up to 65535")
converters.concurrency = made_by(concurrency, "a whole number from 1 to 10000")
converters.rate = made_by(rate, "a rate such as 600/min or 10/s, or none")

return converters
