--- The headers that Timekit knows: what a client sends, and what its answers say.
-- Pure: no I/O, no clock.
-- @module timekit.http.headers

local time = require "timekit.text.time"

local headers = {}

local MONTHS = {
  Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12,
}

--- The headers that every request of a client carries (API.md 1).
-- @tparam table settings `app`, `timezone`, `input_timestamp_format`, `output_timestamp_format`: strings or nil
-- @treturn table name → value
function headers.common(settings)
  return {
    Accept = "application/json",
    ["Timekit-App"] = settings.app,
    ["Timekit-Timezone"] = settings.timezone,
    ["Timekit-InputTimestampFormat"] = settings.input_timestamp_format,
    ["Timekit-OutputTimestampFormat"] = settings.output_timestamp_format,
  }
end

--- The User-Agent: this library, the Lua, libcurl, and the application where it gave its name.
-- @tparam table version `timekit.core`'s `version`
-- @tparam ?string app_info the application's own name and version
-- @treturn string such as `timekit-lua/scm Lua/5.4 curl/7.88.1 shop/2.1`
function headers.user_agent(version, app_info)
  local lua = _VERSION:gsub(" ", "/")
  local agent = ("timekit-lua/%s %s curl/%s"):format(version.timekit, lua, version.curl)
  return app_info and agent .. " " .. app_info or agent
end

-- In seconds.
local FIFTY_YEARS = 50 * 365.25 * 86400

--- Reads a date of HTTP, in any of its three forms (RFC 9110, 5.6.7).
-- @tparam string text
-- @tparam ?function now tells unix seconds; asked only for a year of two digits, `os.time` unless given
-- @treturn number|nil unix seconds
function headers.parse_date(text, now)
  local day, name, year, clock = text:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$")
  local short
  if not day then
    day, name, short, clock = text:match("^%a+, (%d%d)%-(%a%a%a)%-(%d%d) (%d%d:%d%d:%d%d) GMT$")
  end
  if not day then
    name, day, clock, year = text:match("^%a+ (%a%a%a) +(%d%d?) (%d%d:%d%d:%d%d) (%d%d%d%d)$")
  end
  local month = MONTHS[name]
  if not month then return nil end
  local function at(full_year)
    return (time.parse(("%s-%02d-%02dT%sZ"):format(full_year, month, tonumber(day), clock)))
  end
  if not short then return at(year) end
  -- RFC 850 wrote two digits: what seems to be more than 50 years ahead is of the past century.
  local found = at("20" .. short)
  return found and found - (now or os.time)() > FIFTY_YEARS and at("19" .. short) or found
end

--- The seconds after which a refused request may be sent again, from `Retry-After`.
-- The header holds seconds or a date. A date is compared with the answer's own `Date`, so that a wrong clock on either
-- side does no harm, and with `clock` only where there is none.
-- @tparam table fields the answer's headers, names in lower case
-- @tparam function clock returns unix seconds
-- @treturn number|nil seconds, never negative; nil when the header is missing or cannot be read
function headers.retry_after(fields, clock)
  local text = fields["retry-after"]
  if not text then return nil end
  if text:find("^%d+$") then return tonumber(text) end
  local function now() return fields.date and headers.parse_date(fields.date, clock) or clock() end
  local at = headers.parse_date(text, now)
  return at and math.max(0, at - now())
end

--- Whether an answer speaks of a limit on requests: by `Retry-After` or an `x-ratelimit-…` header.
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

--- How many requests may still be sent, by `x-ratelimit-remaining` (API.md 1).
-- @tparam table fields the answer's headers, names in lower case
-- @treturn number|nil
function headers.rate_limit_remaining(fields)
  return count(fields[REMAINING])
end

--- What an outcome tells beside its data.
-- @tparam table outcome as in the transport contract
-- @treturn string|nil the id that Timekit's support asks for, `timekit-request-id` (API.md 1)
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
