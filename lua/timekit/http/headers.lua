--- Headers: those that Timekit knows, those that a caller adds, and what those of an answer say.
-- Pure: no I/O, no clock.
-- @module timekit.http.headers

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"

local headers = {}

local MONTHS = {
  Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12,
}

--- Joins headers. A name that both have, in whichever case, keeps the value of the second.
-- @tparam table first name → value
-- @tparam table second likewise
-- @treturn table a new one
function headers.joined(first, second)
  local all, names = {}, {}
  for name, value in pairs(first) do all[name], names[ascii.lower(name)] = value, name end
  for name, value in pairs(second) do
    local other = names[ascii.lower(name)]
    if other then all[other] = nil end
    all[name] = value
  end
  return all
end

--- The headers that every request of a client carries (spec/api.md 1).
-- @tparam table settings `app`, `timezone`, `input_timestamp_format`, `output_timestamp_format`: strings or nil;
--   `headers`: further ones, which come first, or nil
-- @treturn table name → value
function headers.common(settings)
  return headers.joined({
    Accept = "application/json",
    ["Timekit-App"] = settings.app,
    ["Timekit-Timezone"] = settings.timezone,
    ["Timekit-InputTimestampFormat"] = settings.input_timestamp_format,
    ["Timekit-OutputTimestampFormat"] = settings.output_timestamp_format,
  }, settings.headers or {})
end

-- Words in the names of headers that hold secrets, such as CF-Access-Client-Secret and X-Api-Key.
local SECRET = {
  "assertion", "auth", "bearer", "credential", "jwt", "key", "pass", "pwd", "secret", "session", "signature", "token",
}

--- The values of headers whose names say that they are secret. Of a value such as `Bearer abc` also what follows the
-- scheme.
-- @tparam ?table given name → value
-- @treturn {string,...}
function headers.secrets(given)
  local list = {}
  for name, value in pairs(given or {}) do
    local lower = ascii.lower(name)
    for _, word in ipairs(SECRET) do
      if lower:find(word, 1, true) then
        list[#list + 1] = value
        list[#list + 1] = value:match("^[^ ]+ +([^ ]+)$")
        break
      end
    end
  end
  return list
end

--- The User-Agent: this library, the Lua, libcurl, and the application where it gave its name.
-- @tparam table version `timekit.core`'s `version`
-- @tparam ?string app_info the application's own name and version
-- @treturn string such as `timekit-lua/0.1.0 Lua/5.4 curl/7.88.1 shop/2.1`
function headers.user_agent(version, app_info)
  local lua = _VERSION:gsub(" ", "/")
  local agent = ("timekit-lua/%s %s curl/%s"):format(version.timekit, lua, version.curl)
  return app_info and agent .. " " .. app_info or agent
end

-- RFC 9110, 5.6.2.
local TOKEN = "^[A-Za-z0-9!#$%%&'*+%-.^_`|~]+$"

-- Servers take 8 or 16 KiB. libcurl has a limit as well, and reports what exceeds it as a lack of memory.
local LONGEST = 16 * 1024

local function is_value(value)
  return type(value) == "string" and value ~= "" and not ascii.has_control(value) and not value:find("^ ")
    and not value:find(" $")
end

--- Checks headers that a caller adds, as a checker of `timekit.options`: names are tokens, values are one line without
-- blanks at the ends, all of it has at most 16 KiB, and none is a header that the client sends itself.
-- @tparam any given name → value
-- @treturn table|nil a copy
-- @treturn ?string what was expected; no value is repeated
function headers.check(given)
  if type(given) ~= "table" then return nil, "expected a table, got " .. messages.describe(given) end
  local copy, seen, size = {}, {}, 0
  for name, value in pairs(given) do
    if type(name) ~= "string" or not name:find(TOKEN) then
      return nil, "expected names of headers as keys, got " .. messages.quote(name)
    end
    if core.is_reserved_header(name) then return nil, messages.quote(name) .. " is for the client to send" end
    local lower = ascii.lower(name)
    if seen[lower] then return nil, messages.quote(name) .. " is there twice" end
    seen[lower] = true
    if not is_value(value) then
      return nil, ("%s: expected a text of one line without blanks at its ends"):format(name)
    end
    size = size + #name + #value
    if size > LONGEST then return nil, ("expected at most %d bytes of names and values"):format(LONGEST) end
    copy[name] = value
  end
  return copy
end

-- RFC 3339, as PHP's date formats write it (spec/api.md 1).
local RFC3339 = "Y-m-d\\TH:i:sP"

--- The headers of a read whose times this module has to understand, whatever format the caller has asked for.
-- @tparam ?table given the caller's own headers
-- @tparam ?string format the client's `output_timestamp_format`
-- @treturn table|nil
function headers.with_known_times(given, format)
  if not (given or format) then return nil end
  return headers.joined(given or {}, { ["Timekit-OutputTimestampFormat"] = RFC3339 })
end

-- In seconds.
local FIFTY_YEARS = 50 * 365.25 * 86400

--- Reads a date of HTTP, in any of its three forms (RFC 9110, 5.6.7).
-- @tparam string text
-- @tparam ?function now tells unix seconds; asked only for a year of two digits, `os.time` unless given
-- @treturn number|nil unix seconds
function headers.parse_date(text, now)
  local day, name, year, clock = text:match("^[A-Za-z]+, (%d%d) ([A-Za-z]+) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$")
  local short
  if not day then
    day, name, short, clock = text:match("^[A-Za-z]+, (%d%d)%-([A-Za-z]+)%-(%d%d) (%d%d:%d%d:%d%d) GMT$")
  end
  if not day then
    name, day, clock, year = text:match("^[A-Za-z]+ ([A-Za-z]+) +(%d%d?) (%d%d:%d%d:%d%d) (%d%d%d%d)$")
  end
  local month = MONTHS[name]
  if not month then return nil end
  local function at(full_year)
    return (time.parse(("%s-%02d-%02dT%sZ"):format(full_year, month, tonumber(day), clock)))
  end
  if not short then return at(year) end
  -- RFC 850 wrote two digits. A year that seems to be more than 50 years ahead is one of the past century.
  local found = at("20" .. short)
  return found and found - (now or os.time)() > FIFTY_YEARS and at("19" .. short) or found
end

-- The largest number of a list such as `5` or `1.5, 2`, rounded up; nil where anything else stands in it.
local function largest(text)
  local found
  for part in (text .. ","):gmatch("([^,]*),") do
    local number = ascii.decimal(part:match("^ *(.-) *$"))
    if not number then return nil end
    found = math.max(found or 0, math.ceil(number))
  end
  return found
end

--- The seconds after which a refused request may be sent again, from `Retry-After`.
-- The header holds seconds or a date. Fractions, which the standard does not know, are rounded up; of several numbers
-- the largest counts. A date is compared with the answer's own `Date`, so that a wrong clock on either side does no
-- harm. Without a `Date` it is compared with `clock`.
-- @tparam table fields the answer's headers, names in lower case
-- @tparam function clock returns unix seconds
-- @treturn number|nil seconds, never negative; nil when the header is missing or cannot be read
function headers.retry_after(fields, clock)
  local text = fields["retry-after"]
  if not text then return nil end
  -- A header that came twice is joined by a comma.
  text = text:match("^(.+), %1$") or text
  local seconds = largest(text)
  if seconds then return seconds end
  local function now() return fields.date and headers.parse_date(fields.date, clock) or clock() end
  local at = headers.parse_date(text, now)
  return at and math.max(0, at - now())
end

--- Does an answer tell of a limit on requests, by `Retry-After` or an `x-ratelimit-…` header?
-- @tparam table fields the answer's headers, names in lower case
-- @treturn boolean
function headers.tells_limit(fields)
  if fields["retry-after"] then return true end
  for name in pairs(fields) do
    if name:find("^x%-ratelimit%-") then return true end
  end
  return false
end

local REMAINING, REQUEST_ID = "x-ratelimit-remaining", "timekit-request-id"

local function count(text)
  return text and text:find("^%d+$") and tonumber(text) or nil
end

--- How many requests may still be sent, by `x-ratelimit-remaining` (spec/api.md 1).
-- @tparam table fields the answer's headers, names in lower case
-- @treturn number|nil
function headers.rate_limit_remaining(fields)
  return count(fields[REMAINING])
end

--- What an outcome tells beside its data.
-- @tparam table outcome as in the transport contract
-- @treturn string|nil the id that Timekit's support asks for, `timekit-request-id` (spec/api.md 1)
-- @treturn number|nil how many requests may still be sent
function headers.told(outcome)
  local header = outcome.header
  if header then
    local request_id, remaining = header(outcome, REQUEST_ID, REMAINING)
    return request_id, count(remaining)
  end
  local fields = outcome.headers
  if not fields then return nil end
  return fields[REQUEST_ID], headers.rate_limit_remaining(fields)
end

--- When the server answered, by its own clock.
-- @tparam table outcome as in the transport contract
-- @treturn string|nil the header `Date`
function headers.date(outcome)
  if outcome.header then return (outcome:header("date")) end
  return outcome.headers and outcome.headers.date
end

return headers
