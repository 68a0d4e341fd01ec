--- URLs: where requests go, the paths that callers write, and the URLs that a browser may be sent to.
-- Pure: no I/O.
-- @module timekit.http.url

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"
local messages = require "timekit.text.messages"

local url = {}

--- Timekit itself (spec/api.md 1).
url.DEFAULT = "https://api.timekit.io/v2"

-- In bytes. Not every browser and server takes longer URLs.
local LONGEST = 4096

local function decode_byte(hex)
  return string.char(tonumber(hex, 16))
end

--- Decodes percent-encoding. A `%` without two hexadecimal digits after it stays as it is.
-- @tparam string text
-- @treturn string
-- @usage url.decode "a%2Fb"   --> "a/b"
function url.decode(text)
  return (text:gsub("%%(%x%x)", decode_byte))
end

--- Does every `%` of a text start an escape?
-- @tparam string text
-- @treturn boolean
function url.is_encoded(text)
  return not text:gsub("%%%x%x", ""):find("%", 1, true)
end

--- Checks the base URL of all requests: https anywhere, http to this machine, and elsewhere only if that is allowed.
-- The engine judges which hosts are this machine.
-- @tparam any value
-- @tparam ?boolean allow_http may it be http to any host?
-- @treturn string|nil the URL, with the scheme and the host in lower case and without a slash at its end
-- @treturn ?string what was expected; the URL is not repeated, since it may hold a password
-- @usage url.base "https://api.timekit.io/v2/"   --> "https://api.timekit.io/v2"
function url.base(value, allow_http)
  local example = "expected a URL such as " .. url.DEFAULT
  if type(value) ~= "string" then return nil, example end
  local scheme, authority, path = value:match("^([A-Za-z]+)://([^/?#]*)(.*)$")
  if not scheme then return nil, example end
  scheme, authority = ascii.lower(scheme), ascii.lower(authority)
  if authority:find("@", 1, true) then return nil, "credentials do not belong in a URL: use app_key" end
  if path:find("[?#]") then return nil, "expected neither a query nor a fragment" end
  -- libcurl reads other letters in the locale's encoding, and a Lua program's locale is "C", which has none.
  if authority:find("[\128-\255]") then return nil, "expected a host in ASCII: write it as xn--…" end
  local host, port = authority:match("^(%[[%x:.]+%]):?(%d*)$")
  if not host then host, port = authority:match("^([A-Za-z0-9%-._]+):?(%d*)$") end
  if not host or authority:find(":$") or path:find("[^A-Za-z0-9%-._~!$&'()*+,;=:@/%%]") then return nil, example end
  if port ~= "" and (tonumber(port) < 1 or tonumber(port) > 65535) then return nil, "no such port" end
  local base = ("%s://%s%s"):format(scheme, authority, (path:gsub("/+$", "")))
  local problem = core.base_url_problem(base, allow_http)
  if problem then return nil, (problem:gsub("^base_url: ", "")) end
  return base
end

local function encode_byte(char)
  return ("%%%02X"):format(char:byte())
end

-- Judges a segment as a server may read it: decoded.
local function segment_problem(segment)
  local decoded = url.decode(segment)
  if decoded == "" then return "a segment is empty" end
  -- Some servers decode %2F before they resolve dots, and some ignore what follows a semicolon.
  for part in decoded:gmatch("[^/]+") do
    if part:find("^%.%.?$") or part:find("^%.%.?;") then return messages.quote(segment) .. " would be another path" end
  end
  if ascii.has_control(decoded) then return "control characters cannot stand in it" end
  if decoded:find("\\", 1, true) then return "a backslash cannot stand in it" end
  return nil
end

--- Checks the path of a request that a caller writes, and encodes what cannot stand in a path. What is percent-encoded
-- already stays so.
-- A path begins with one slash. It has no empty segment, no `.` and no `..`, percent-encoded ones and those between
-- encoded slashes included; no `?` and no `#`, since a query has an option of its own; and no control character.
-- @tparam any text such as `/bookings/groups`
-- @treturn string|nil the path to send
-- @treturn ?string what was expected
-- @usage url.path "/resources/a b"   --> "/resources/a%20b"
function url.path(text)
  if type(text) ~= "string" then return nil, "expected a path such as '/bookings', got " .. messages.describe(text) end
  if #text > LONGEST then return nil, ("expected at most %d bytes, got %d"):format(LONGEST, #text) end
  if not text:find("^/[^/]") then return nil, "expected a path that begins with one slash, such as '/bookings'" end
  if text:find("[?#]") then return nil, "'?' and '#' cannot stand in it: the option query holds what follows a '?'" end
  if not url.is_encoded(text) then return nil, "a '%' without two hexadecimal digits after it" end
  for segment in text:gmatch("/([^/]*)") do
    local problem = segment_problem(segment)
    if problem then return nil, problem end
  end
  return (text:gsub("[^A-Za-z0-9%-._~%%/:@!$&'()*+,;=]", encode_byte))
end

-- RFC 3986 allows none of these characters. Browsers read a backslash as a slash, and so another host. Characters
-- beyond ASCII are common in URLs all the same; control characters among them (C1) are not.
local function is_plain(text)
  return not text:find("[%z\1-\32\127\"<>\\^`{|}]") and not text:find("\194[\128-\159]")
end

-- A host with percent signs is refused: it would become another one, or none, once it is decoded.
local function is_authority(text)
  local port = text:match("^%[[%x:.]+%]:?(%d*)$") or text:match("^[A-Za-z0-9%-._~\128-\255]+:?(%d*)$")
  return port ~= nil and (port == "" or #port <= 5 and tonumber(port) <= 65535)
end

--- Checks a URL that a browser may be sent to: http or https, with a host, without credentials, control characters,
-- blanks and backslashes.
-- @tparam any value
-- @treturn string|nil the URL as it was given
-- @treturn ?string what was expected; the URL is not repeated
-- @usage url.web "https://example.com/thanks"
function url.web(value)
  if type(value) ~= "string" then return nil, "expected a URL, got " .. type(value) end
  if #value > LONGEST then return nil, ("expected a URL of at most %d bytes, got %d"):format(LONGEST, #value) end
  local scheme, authority = value:match("^([A-Za-z]+)://([^/?#]*)")
  scheme = scheme and ascii.lower(scheme)
  if scheme ~= "http" and scheme ~= "https" then return nil, "expected an http or https URL" end
  if authority:find("@", 1, true) then return nil, "expected a URL without credentials" end
  if not is_plain(value) then
    return nil, "expected a URL without control characters, blanks, backslashes and quotes: encode them"
  end
  if not is_authority(authority) then return nil, "expected an http or https URL with a host" end
  return value
end

--- The user name and the password in a proxy's URL, wherever they end: the last `@` counts.
-- @tparam string proxy
-- @treturn string|nil the user name as it is written; nil: there is no password
-- @treturn ?string the password as it is written
function url.credentials(proxy)
  return (proxy:match("://(.*)") or proxy):match("^([^:@]*):(.+)@")
end

return url
