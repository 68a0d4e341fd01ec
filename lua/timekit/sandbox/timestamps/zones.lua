--- Time zones: UTC and fixed offsets always, IANA names where the system has a zone database.
-- @module timekit.sandbox.timestamps.zones
local ascii = require "timekit.text.ascii"
local messages = require "timekit.text.messages"
local tzif = require "timekit.sandbox.timestamps.tzif"

local zones = {}

local DAY = 86400

-- The usual places of the database. The variable TZDIR names another, as it does for the C library.
local FOLDERS = { "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo" }

--- A time zone.
-- @type Zone
local Zone = {}
Zone.__index = Zone

--- What the zone's clocks show at a moment.
-- @tparam number unix seconds
-- @treturn table `{ offset = seconds east of UTC, is_dst =, abbreviation = }`
function Zone:at(unix)
  return self.look_up(unix)
end

--- The moment at which the zone's clocks show a time. As in PHP, of a time that they show twice it is the first, and a
-- time that they skip counts from before the skip: 02:30 becomes 03:30.
-- @tparam number shown the time as seconds since 1970-01-01 00:00 on those clocks
-- @treturn number unix seconds
function Zone:to_unix(shown)
  local before, after = self:at(shown - DAY).offset, self:at(shown + DAY).offset
  local unix = shown - before
  if self:at(unix).offset == before then return unix end
  if self:at(shown - after).offset == after then return shown - after end
  return unix
end

--- @section end

local function fixed(name, offset)
  local always = { offset = offset, is_dst = false, abbreviation = name }
  return setmetatable({ name = name, look_up = function() return always end }, Zone)
end

--- UTC.
zones.UTC = fixed("UTC", 0)

local UTC_NAMES = { utc = true, gmt = true, z = true, zulu = true, ["etc/utc"] = true }

local function read_offset(text)
  local sign, hours, minutes = text:match("^([+-])(%d%d):?(%d?%d?)$")
  hours, minutes = tonumber(hours), tonumber(minutes) or 0
  if not sign or hours > 23 or minutes > 59 then return nil end
  local offset = (hours * 3600 + minutes * 60) * (sign == "-" and -1 or 1)
  return fixed(("%s%02d:%02d"):format(sign, hours, minutes), offset)
end

local function read_file(name)
  local folders = { os.getenv("TZDIR") }
  if not folders[1] then folders = FOLDERS end
  for _, folder in ipairs(folders) do
    local file = io.open(folder .. "/" .. name, "rb")
    -- A folder, such as America, can be opened but not read.
    local bytes = file and file:read("*a")
    if file then file:close() end
    if bytes then return bytes end
  end
end

-- Zones that were read, by name: a client names its zone in every request.
local known = {}

--- Finds a zone.
-- @tparam string name `UTC`, an offset such as `+01:00`, or an IANA name such as `Europe/Berlin`
-- @treturn Zone|nil
-- @treturn ?string what was expected
function zones.find(name)
  if UTC_NAMES[ascii.lower(name)] then return zones.UTC end
  local zone = read_offset(name) or known[name]
  if zone then return zone end
  -- IANA names begin with a capital letter and have no dots, so no file outside the database can be named.
  local is_name = name:find("^[A-Z][A-Za-z0-9_+/-]*$") and not name:find("//", 1, true)
  local bytes = is_name and read_file(name)
  local look_up = bytes and tzif.read(bytes)
  if not look_up then
    return nil, ("unknown time zone %s: expected UTC, an offset such as +01:00, or a name that this system's zone "
      .. "database (%s) has"):format(messages.quote(name), os.getenv("TZDIR") or FOLDERS[1])
  end
  known[name] = setmetatable({ name = name, look_up = look_up }, Zone)
  return known[name]
end

return zones
