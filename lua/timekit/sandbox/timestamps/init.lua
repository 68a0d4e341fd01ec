--- How a request writes timestamps and wants them written: the headers Timekit-Timezone, Timekit-InputTimestampFormat
-- and Timekit-OutputTimestampFormat (spec/api.md 1).
--
-- - Without headers, requests write RFC 3339 with an offset. Answers are in UTC, and show the times of an event as they
--   were sent.
-- - Timekit-Timezone: answers are in that zone. A timestamp of a request without an offset is read in it.
-- - Timekit-InputTimestampFormat: requests write timestamps in this format and no other, as texts or whole numbers.
-- - Timekit-OutputTimestampFormat: answers write every timestamp in this format.
-- @module timekit.sandbox.timestamps
local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"
local php_date = require "timekit.sandbox.timestamps.php_date"
local zones = require "timekit.sandbox.timestamps.zones"

local timestamps = {}

-- How Timekit usually answers (spec/api.md 1).
local USUAL = "Y-m-d\\TH:i:sO"

--- The timestamps of a request.
-- @type Timestamps
local Timestamps = {}
Timestamps.__index = Timestamps

-- RFC 3339. The zone supplies the offset where there is none.
local function read_usual(text, zone)
  local unix, problem = time.parse(text)
  if unix or not zone or type(text) ~= "string" then return unix, problem end
  -- If the text is right with an offset, then only that was missing.
  local shown = time.parse(text .. "Z")
  if not shown then return nil, problem end
  return zone:to_unix(shown)
end

--- Reads a timestamp.
-- @tparam any value
-- @treturn number|nil unix seconds, within the years 0 to 9999
-- @treturn ?string what is wrong with it
function Timestamps:read(value)
  local unix, problem
  if not self.input then
    unix, problem = read_usual(value, self.zone)
  else
    if type(value) == "number" and value % 1 == 0 then value = ("%.0f"):format(value) end
    if type(value) ~= "string" then return nil, "expected a text, got " .. messages.describe(value) end
    unix, problem = php_date.read(self.input, value, self.zone or zones.UTC)
  end
  if unix and not time.is_writable(unix) then return nil, "not within the years 0 to 9999 in UTC" end
  return unix, problem
end

--- The text that an event keeps of a timestamp: the text that was sent, if every client can read it.
-- @tparam any value
-- @tparam number unix what it means
-- @treturn string
function Timestamps:kept(value, unix)
  return not self.input and time.parse(value) and value or time.format(unix)
end

--- Writes a timestamp.
-- @tparam number unix seconds
-- @treturn string
function Timestamps:write(unix)
  if not self.output and not self.zone then return time.format(unix) end
  return php_date.write(self.output or USUAL, unix, self.zone or zones.UTC)
end

--- Writes a time of an event. It is shown as it was sent, unless a header asks for a zone or a format.
-- @tparam string kept from `Timestamps:kept`
-- @tparam number unix seconds
-- @treturn string
function Timestamps:write_kept(kept, unix)
  if not self.output and not self.zone then return kept end
  return self:write(unix)
end

--- @section end

--- The timestamps of a request without these headers.
timestamps.USUAL = setmetatable({}, Timestamps)

local ZONE, INPUT, OUTPUT = "Timekit-Timezone", "Timekit-InputTimestampFormat", "Timekit-OutputTimestampFormat"

-- The values of the headers by name; nil and the name of one that answers cannot quote.
local function read_headers(headers)
  local values = {}
  for _, name in ipairs { ZONE, INPUT, OUTPUT } do
    local value = headers[ascii.lower(name)]
    if value and not core.encode(value) then return nil, name end
    if value ~= "" then values[name] = value end
  end
  return values
end

--- Reads the headers of a request.
-- @tparam table headers with lower-case names
-- @treturn Timestamps|nil
-- @treturn ?string the header that is wrong
-- @treturn ?string what is wrong with it
function timestamps.new(headers)
  local values, wrong = read_headers(headers)
  if not values then return nil, wrong, "expected UTF-8" end
  if next(values) == nil then return timestamps.USUAL end
  local zone, problem
  if values[ZONE] then
    zone, problem = zones.find(values[ZONE])
    if not zone then return nil, ZONE, problem end
  end
  problem = values[INPUT] and php_date.problem(values[INPUT])
  if problem then return nil, INPUT, problem end
  return setmetatable({ zone = zone, input = values[INPUT], output = values[OUTPUT] }, Timestamps)
end

return timestamps
