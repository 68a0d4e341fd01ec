--- Checks the path of a request that a caller writes.
-- Pure: no I/O.
-- @module timekit.http.path

local messages = require "timekit.text.messages"

local path = {}

local LONGEST = 4096

local function encode_byte(char)
  return ("%%%02X"):format(char:byte())
end

-- A segment of it, decoded, as a server may read it.
local function segment_problem(segment)
  local decoded = segment:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  if decoded == "" then return "a segment is empty" end
  -- Servers are known that undo %2F before they resolve dots, and others that overlook what follows a semicolon.
  for part in decoded:gmatch("[^/]+") do
    if part:find("^%.%.?$") or part:find("^%.%.?;") then return messages.quote(segment) .. " would be another path" end
  end
  if decoded:find("%c") then return "control characters cannot stand in it" end
  if decoded:find("\\", 1, true) then return "a backslash cannot stand in it" end
  return nil
end

--- Checks a path, and encodes what cannot stand in one as it is. What is percent-encoded already stays so.
-- It begins with one slash and has no empty segment, no `.` and no `..`, also not percent-encoded or between slashes
-- that are; no `?` and no `#`, since a query has an option of its own; and no control character.
-- @tparam any text such as `/bookings/groups`
-- @treturn string|nil the path to send
-- @treturn ?string what was expected
-- @usage require("timekit.http.path").check("/resources/a b")   --> "/resources/a%20b"
function path.check(text)
  if type(text) ~= "string" then return nil, "expected a path such as '/bookings', got " .. messages.describe(text) end
  if #text > LONGEST then return nil, ("expected at most %d bytes, got %d"):format(LONGEST, #text) end
  if not text:find("^/[^/]") then return nil, "expected a path that begins with one slash, such as '/bookings'" end
  if text:find("[?#]") then return nil, "'?' and '#' cannot stand in it: the option query holds what follows a '?'" end
  if text:gsub("%%%x%x", ""):find("%", 1, true) then return nil, "a '%' without two hexadecimal digits after it" end
  for segment in text:gmatch("/([^/]*)") do
    local problem = segment_problem(segment)
    if problem then return nil, problem end
  end
  return (text:gsub("[^A-Za-z0-9%-._~%%/:@!$&'()*+,;=]", encode_byte))
end

return path
