--- URLs that a browser may be sent to.
-- @module timekit.http.web_url

local web_url = {}

-- More than browsers and servers agree on.
local LONGEST = 4096

-- What RFC 3986 has no place for: browsers take a backslash for a slash, and with it one host for another. Characters
-- beyond ASCII are common in URLs all the same; control characters among them (C1) are not.
local function is_plain(text)
  return not text:find("[%z\1-\32\127\"<>\\^`{|}]") and not text:find("\194[\128-\159]")
end

-- A host with percent signs is another one once they are decoded, or none.
local function is_authority(text)
  local port = text:match("^%[[%x:.]+%]:?(%d*)$") or text:match("^[%w%-._~\128-\255]+:?(%d*)$")
  return port ~= nil and (port == "" or #port <= 5 and tonumber(port) <= 65535)
end

--- Checks a URL: http or https, with a host, without credentials, control characters, blanks and backslashes.
-- @tparam any value
-- @treturn string|nil the URL as it was given
-- @treturn ?string what was expected; the URL is not repeated
-- @usage web_url.check("https://example.com/thanks")
function web_url.check(value)
  if type(value) ~= "string" then return nil, "expected a URL, got " .. type(value) end
  if #value > LONGEST then return nil, ("expected a URL of at most %d bytes, got %d"):format(LONGEST, #value) end
  local scheme, authority = value:match("^(%a+)://([^/?#]*)")
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then return nil, "expected an http or https URL" end
  if authority:find("@", 1, true) then return nil, "expected a URL without credentials" end
  if not is_plain(value) then
    return nil, "expected a URL without control characters, blanks, backslashes and quotes: encode them"
  end
  if not is_authority(authority) then return nil, "expected an http or https URL with a host" end
  return value
end

return web_url
