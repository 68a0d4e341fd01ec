--- Headers that a caller adds to a request of its own.
-- Pure: no I/O.
-- @module timekit.http.own_headers

local messages = require "timekit.text.messages"

local own_headers = {}

-- These are the client's, the connection's or the proxy's business: a second one of them could change whose request
-- this is, or where it ends.
local FORBIDDEN = {}
for name in ([[authorization proxy-authorization host content-length transfer-encoding connection keep-alive
  proxy-connection te trailer upgrade expect cookie accept-encoding]]):gmatch("%S+") do FORBIDDEN[name] = true end

-- Servers take 8 or 16 KiB; libcurl has a limit, too, and takes what is beyond it for a want of memory.
local LONGEST = 16 * 1024

-- RFC 9110, 5.6.2.
local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

--- Checks headers, as an option's checker of `timekit.options`: names of tokens, values of one line without blanks at
-- its ends, together at most 16 KiB, and none that is the client's own, such as Authorization.
-- @tparam any headers name → value
-- @treturn table|nil a copy
-- @treturn ?string what was expected
function own_headers.check(headers)
  if type(headers) ~= "table" then return nil, "expected a table, got " .. messages.describe(headers) end
  local copy, seen, size = {}, {}, 0
  for name, value in pairs(headers) do
    if type(name) ~= "string" or not name:find(TOKEN) then
      return nil, "expected names of headers as keys, got " .. messages.quote(name)
    end
    local lower = name:lower()
    if FORBIDDEN[lower] then return nil, messages.quote(name) .. " is for the client to send" end
    if seen[lower] then return nil, messages.quote(name) .. " is there twice" end
    seen[lower] = true
    if type(value) ~= "string" or value == "" or value:find("[%c]") or value:find("^ ") or value:find(" $") then
      return nil, ("%s: expected a text of one line without blanks at its ends"):format(name)
    end
    size = size + #name + #value
    if size > LONGEST then return nil, ("expected at most %d bytes of names and values"):format(LONGEST) end
    copy[name] = value
  end
  return copy
end

return own_headers
