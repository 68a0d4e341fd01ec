--- Checks the value of an option: one function for each kind of value.
-- Each checker takes a value. It returns the value as it is to be used, or nil and what was expected. Options can hold
-- keys, so no checker repeats a text that is not a known word.
-- @module timekit.options.values

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local messages = require "timekit.text.messages"
local runtime = require "timekit.runtime"

local values = {}

-- Texts, numbers and tables.

local function is_line(value)
  return type(value) == "string" and value ~= "" and not ascii.has_control(value)
end

function values.line(value)
  if is_line(value) then return value end
  if type(value) ~= "string" then return nil, "expected a string, got " .. messages.describe(value) end
  return nil, "expected a text without control characters, and not an empty one"
end

function values.boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "expected true or false, got " .. messages.describe(value)
end

function values.seconds(value)
  if type(value) ~= "number" then return nil, "expected a number of seconds, got " .. messages.describe(value) end
  -- The limit is a thousand years: beyond it clocks in C overflow. NaN fails every comparison.
  if value > 0 and value <= 3.2e10 then return value end
  return nil, "expected a positive, finite number of seconds, got " .. ascii.number(value)
end

function values.bytes(value)
  if type(value) ~= "number" then return nil, "expected a number of bytes, got " .. messages.describe(value) end
  if value >= 1 and value <= 2 ^ 31 and value % 1 == 0 then return value end
  return nil, "expected a whole, positive number of bytes, at most 2 GiB, got " .. ascii.number(value)
end

local function whole(least, most)
  return function(value)
    if type(value) == "number" and value >= least and value <= most and value % 1 == 0 then return value end
    return nil, ("expected a whole number from %d to %d, got %s"):format(least, most, messages.describe(value))
  end
end

function values.object(value)
  if type(value) == "table" then return value end
  return nil, "expected a table, got " .. messages.describe(value)
end

function values.hook(value)
  if type(value) == "function" then return value end
  return nil, "expected a function, got " .. messages.describe(value)
end

-- The account and the connection.

-- HTTP's Basic authentication ends the user name at the first colon.
function values.user_name(value)
  if is_line(value) and not value:find(":", 1, true) then return value end
  return nil, "expected an e-mail address"
end

-- HTTP removes blanks at the ends of a header's value.
function values.header_value(value)
  local good, expected = values.line(value)
  if good and good:find("^ ") or good and good:find(" $") then return nil, "expected no blanks at its ends" end
  return good, expected
end

--- Checks a time: a text, or a number for a client whose `input_timestamp_format` writes them so.
function values.moment(value)
  if type(value) == "number" and value == value and math.abs(value) < math.huge then return value end
  return values.line(value)
end

-- Bytes. A file in the PEM format may begin with comments; its first block has to begin within these.
local LONGEST_PREAMBLE = 1024 * 1024

-- Checks the name of a file that has a PEM block of a kind. It is read now: at the first request a wrong file would
-- look like a fault of the network.
local function pem(kind, expected)
  local pattern = "%-%-%-%-%-BEGIN [A-Z0-9 ]*" .. kind .. "%-%-%-%-%-"
  return function(value)
    local good, problem = values.line(value)
    if not good then return nil, problem end
    local file, text
    file, problem = io.open(value)
    if file then
      text, problem = file:read(LONGEST_PREAMBLE)
      file:close()
    end
    if problem then return nil, "expected a file that can be read: " .. problem end
    if text and text:find(pattern) then return value end
    return nil, expected
  end
end

values.certificates = pem("CERTIFICATE", "expected a file of certificates in the PEM format")

values.private_key = pem("PRIVATE KEY", "expected a file with a private key in the PEM format")

function values.proxy(value)
  if value == "" then return value end
  local good, expected = values.line(value)
  if not good then return nil, expected end
  local problem = core.proxy_problem(value)
  if problem then return nil, (problem:gsub("^proxy: ", "")) end
  return value
end

function values.transport(value)
  if type(value) == "table" and type(value.connect) == "function" then return value end
  return nil, "expected a transport: an object with the method connect, such as a sandbox"
end

local RUNTIME = { now = true, sleep = true, wait = true }

function values.runtime(value)
  if runtime.NAMES[value] then return value end
  if type(value) == "string" then
    return nil, ("there is no runtime %s%s"):format(messages.quote(value), messages.hint(value, runtime.NAMES))
  end
  if type(value) ~= "table" then return nil, "expected a name or a table, got " .. messages.describe(value) end
  for name in pairs(RUNTIME) do
    if type(value[name]) ~= "function" then return nil, "expected a runtime, with the function " .. name end
  end
  return value
end

-- How an operation is carried out.

values.tries = whole(0, 1000)

function values.uncertain(value)
  if value == "reconcile" or value == "report" then return value end
  local expected = "expected 'reconcile' or 'report'"
  return nil, type(value) == "string" and expected or expected .. ", got " .. messages.describe(value)
end

local RATE = {
  per_second = true, burst = true, redis = true, name = true, bulk_share = true, when_lost = true,
  ca_file = true,
}

-- Timekit allows so many requests a minute (spec/api.md 1).
local PER_MINUTE = 600

local function unknown_field(value, known)
  for name in pairs(value) do
    if not known[name] then
      return ("unknown field %s%s"):format(messages.quote(tostring(name)), messages.hint(name, known))
    end
  end
end

-- A name that is part of a key inside Redis.
function values.key_name(value)
  if type(value) == "string" and value:find("^[%w._:%-]+$") and #value <= 100 then return value end
  return nil, "expected a name of letters, digits and . _ : -"
end

function values.redis(value)
  local parsed, problem = require("timekit.redis.address").parse(value)
  if not parsed then return nil, problem end
  return parsed
end

-- The fields of a rate that many processes share.
local function shared_rate(value, rate)
  local problem
  rate.redis, problem = values.redis(value.redis)
  if not rate.redis then return nil, "redis: " .. problem end
  rate.name, problem = values.key_name(value.name == nil and "default" or value.name)
  if not rate.name then return nil, "name: " .. problem end
  rate.bulk_share = value.bulk_share == nil and 0.1 or value.bulk_share
  if type(rate.bulk_share) ~= "number" or not (rate.bulk_share > 0 and rate.bulk_share <= 1) then
    return nil, "bulk_share: expected a number above 0, at most 1, got " .. messages.describe(value.bulk_share)
  end
  rate.when_lost = value.when_lost == nil and "share" or value.when_lost
  if rate.when_lost ~= "share" and rate.when_lost ~= "refuse" then
    return nil, "when_lost: expected 'share' or 'refuse'"
  end
  if value.ca_file ~= nil then
    rate.redis.ca_file, problem = values.certificates(value.ca_file)
    if not rate.redis.ca_file then return nil, "ca_file: " .. problem end
  end
  local most = rate.burst + 60 * rate.per_second
  if most > PER_MINUTE then
    local allowed = "Timekit allows %d requests a minute for all that share an app key"
    return nil, ("burst + 60 × per_second is %s: " .. allowed):format(ascii.number(most), PER_MINUTE)
  end
  return rate
end

local OF_SHARED = { "name", "bulk_share", "when_lost", "ca_file" }

function values.rate(value)
  if type(value) ~= "table" then return nil, "expected a table, got " .. messages.describe(value) end
  local unknown = unknown_field(value, RATE)
  if unknown then return nil, unknown end
  local per_second = value.per_second
  if type(per_second) ~= "number" or not (per_second > 0 and per_second <= 1e6) then
    return nil, "per_second: expected a positive number, got " .. messages.describe(per_second)
  end
  local burst = value.burst
  if burst == nil then burst = math.max(1, math.ceil(per_second)) end
  if type(burst) ~= "number" or not (burst >= 1 and burst <= 1e6 and burst % 1 == 0) then
    return nil, "burst: expected a whole number from 1, got " .. messages.describe(burst)
  end
  local rate = { per_second = per_second, burst = burst }
  if value.redis ~= nil then return shared_rate(value, rate) end
  for _, name in ipairs(OF_SHARED) do
    if value[name] ~= nil then return nil, name .. ": it is for a rate with redis" end
  end
  return rate
end

-- W3C Trace Context, 3.2.2: version 00 has these four fields. Later versions may add some.
function values.traceparent(value)
  if type(value) == "string" then
    local version, trace, span, rest = value:match("^(%x%x)%-(%x+)%-(%x+)%-%x%x(.*)$")
    if version and #trace == 32 and #span == 16 and version ~= "ff" and not value:find("[A-Z]")
      and trace:find("[^0]") and span:find("[^0]")
      and (rest == "" or version ~= "00" and rest:find("^%-[A-Za-z0-9-]*$")) then
      return value
    end
  end
  return nil, "expected a W3C traceparent, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
end

values.concurrency = whole(1, 10000)

values.count = whole(1, 1000000000)

function values.priority(value)
  if value == "normal" or value == "bulk" then return value end
  return nil, "expected 'normal' or 'bulk'"
end

function values.time(value)
  if type(value) == "string" then value = require("timekit.text.time").parse(value) end
  if type(value) == "number" and value >= 0 and value <= 3.2e10 then return value end
  return nil, "expected a time: Unix seconds, or a text as in RFC 3339"
end

-- What is asked for.

function values.include(value)
  local names = type(value) == "string" and { value } or value
  local expected = "expected a name or a list of names"
  if type(names) ~= "table" then return nil, expected .. ", got " .. messages.describe(value) end
  local count = 0
  for _, name in pairs(names) do
    count = count + 1
    if names[count] == nil or not is_line(name) then return nil, expected end
  end
  return table.concat(names, ",")
end

-- Those of spec/api.md 4; further ones may exist.
local ORDERS = {
  created_at = true, updated_at = true, completed = true, graph = true, state = true,
  ["event.start"] = true, ["event.end"] = true,
}

function values.order_by(value)
  local good, expected = values.line(value)
  local hint = good and not ORDERS[value] and messages.hint(value, ORDERS) or ""
  if hint ~= "" then return nil, "unknown order " .. messages.quote(value) .. hint end
  return good, expected
end

function values.sorted_by(value)
  if value == "asc" or value == "desc" then return value end
  return nil, "expected 'asc' or 'desc'"
end

values.limit = whole(1, 100000)

values.page = whole(1, 1000000000)

-- Read without metamethods, as the encoder reads it.
function values.settings(value)
  if type(value) ~= "table" then return nil, "expected a table, got " .. messages.describe(value) end
  for name in next, value do
    if type(name) ~= "string" then return nil, "expected names as keys, got " .. messages.describe(name) end
  end
  if rawget(value, "apply_to_bulked_bookings") ~= nil then
    return nil, "apply_to_bulked_bookings is an option of its own"
  end
  return value
end

-- Variables of the environment: texts that become the values of options.

function values.seconds_of(text)
  local number = ascii.decimal(text)
  if number then return values.seconds(number) end
  return nil, "expected a number of seconds, such as 30 or 2.5"
end

local SWITCH = { ["1"] = true, ["true"] = true, ["0"] = false, ["false"] = false }

function values.boolean_of(text)
  local value = SWITCH[ascii.lower(text)]
  if value ~= nil then return value end
  return nil, "expected 1 or 0"
end

return values
