--- Where requests may go: https anywhere, http to this machine only.
-- @module timekit.http.base_url

local core = require "timekit.core"

local base_url = {}

--- Timekit itself (API.md 1).
base_url.DEFAULT = "https://api.timekit.io/v2"

local function is_loopback(host)
  if host == "localhost" or host == "[::1]" then return true end
  local parts = { host:match("^(127)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$") }
  for _, part in ipairs(parts) do
    if tonumber(part) > 255 then return false end
  end
  return #parts == 4
end

--- Checks a base URL.
-- @tparam any value
-- @treturn string|nil the URL, with the scheme and the host in lower case and without a slash at its end
-- @treturn ?string what was expected; the URL is not repeated, since it may hold a password
-- @usage base_url.check("https://api.timekit.io/v2/")   --> "https://api.timekit.io/v2"
function base_url.check(value)
  local example = "expected a URL such as " .. base_url.DEFAULT
  if type(value) ~= "string" then return nil, example end
  local scheme, authority, path = value:match("^(%a+)://([^/?#]*)(.*)$")
  if not scheme then return nil, example end
  scheme, authority = scheme:lower(), authority:lower()
  if authority:find("@", 1, true) then return nil, "credentials do not belong into a URL: use app_key" end
  if path:find("[?#]") then return nil, "expected neither a query nor a fragment" end
  -- libcurl reads other letters in the locale's encoding, and a Lua program's locale is "C", which has none.
  if authority:find("[\128-\255]") then return nil, "expected a host in ASCII: write it as xn--…" end
  local host, port = authority:match("^(%[[%x:.]+%]):?(%d*)$")
  if not host then host, port = authority:match("^([%w%-._]+):?(%d*)$") end
  if not host or authority:find(":$") or path:find("[^A-Za-z0-9%-._~!$&'()*+,;=:@/%%]") then return nil, example end
  if port ~= "" and (tonumber(port) < 1 or tonumber(port) > 65535) then return nil, "no such port" end
  if scheme ~= "https" and not (scheme == "http" and is_loopback(host)) then
    return nil, "expected https, or http to a loopback address"
  end
  local url = ("%s://%s%s"):format(scheme, authority, (path:gsub("/+$", "")))
  local problem = core.base_url_problem(url)
  if problem then return nil, (problem:gsub("^base_url: ", "")) end
  return url
end

return base_url
