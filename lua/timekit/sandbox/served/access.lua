--- Who may ask a served sandbox, and what browsers need for it.
--
-- - A Host header must be a loopback name or one that the sandbox was given, else the answer is 403. Without this
--   check, a web page could reach the sandbox by a DNS name that resolves to this machine (DNS rebinding). Browsers
--   always send a Host, so a request without one is allowed.
-- - `/v2` is for pages of every origin, since a request needs a key anyway. Preflights are answered, and answers have
--   `Access-Control-Allow-Origin: *`.
-- - Everything else, such as `/_sandbox`, needs no key. So it is for pages of the sandbox's own origin alone, and
--   another Origin is refused with 403.
-- @module timekit.sandbox.served.access
local ascii = require "timekit.text.ascii"
local url = require "timekit.http.url"
local core = require "timekit.core"
local messages = require "timekit.text.messages"

local access = {}

local METHODS = "GET, HEAD, POST, PUT, DELETE"
local EXPOSED = "timekit-request-id, timekit-testmode, x-ratelimit-remaining, retry-after"

-- Seconds that a browser may remember a preflight.
local MAX_AGE = "600"

-- A sandbox that listens on these can be reached by every address of the machine.
local ANY_ADDRESS = { ["0.0.0.0"] = true, ["::"] = true, ["[::]"] = true }

--- The rules of a sandbox.
-- @type Access
local Access = {}
Access.__index = Access

local function name_of(host)
  local name = host:match("^(%[[^%]]*%]):?%d*$") or host:match("^([^:]*):?%d*$")
  return name and ascii.lower(name):gsub("%.$", "")
end

local function is_address(name)
  return name:find("^%d+%.%d+%.%d+%.%d+$") ~= nil or name:find("^%[[0-9a-f:.]+%]$") ~= nil
end

local function is_host_allowed(self, host)
  local name = name_of(host)
  if not name or name == "" then return false end
  if self.hosts[name] then return true end
  -- An address is safe: rebinding needs a name.
  if self.any_address and is_address(name) then return true end
  return url.base("http://" .. ascii.lower(host)) ~= nil
end

local function forbidden(text)
  local body = assert(core.encode { error = text })
  local headers = { ["content-type"] = "application/json", ["content-length"] = tostring(#body) }
  return { status = 403, headers = headers, body = body }
end

-- A header may not be UTF-8, which JSON cannot hold.
local function quote(text)
  return messages.quote((text:gsub("[\128-\255]", "?")))
end

local function is_api(target)
  return target:find("^/v2[/?]") ~= nil or target == "/v2"
end

local function preflight(headers)
  local asked = headers["access-control-request-headers"]
  return { status = 204, body = "", headers = {
    ["access-control-allow-methods"] = METHODS, ["access-control-max-age"] = MAX_AGE,
    -- A `*` would not include Authorization.
    ["access-control-allow-headers"] = asked and asked:find("^[A-Za-z0-9 ,_-]+$") and asked
      or "Authorization, Content-Type, Timekit-App",
  } }
end

--- Answers a request that does not reach the box: one that is refused, or a preflight.
-- @tparam table request `method`, `target`, `headers` with lower-case names, `host` (the Host header or nil)
-- @treturn table|nil the answer; nil when the request may go on
function Access:answer(request)
  local host, origin = request.host, request.headers.origin
  if host and not is_host_allowed(self, host) then
    return forbidden(("the Host %s is not one of this sandbox's: allow it with ALLOW_HOST, or `timekit sandbox "
      .. "--allow-host`"):format(quote(host)))
  end
  if not origin then return nil end
  if is_api(request.target) then return request.method == "OPTIONS" and preflight(request.headers) or nil end
  if host and ascii.lower(origin) == "http://" .. ascii.lower(host) then return nil end
  return forbidden(("%s is not for the Origin %s"):format(quote(request.target), quote(origin)))
end

--- Lets pages of every origin read an answer of the API.
-- @tparam table request as for `Access:answer`
-- @tparam table answer as of `Box:handle`; it is changed
-- @treturn table the answer
function Access:open(request, answer)
  if not is_api(request.target) then return answer end
  if answer.headers then
    answer.headers["access-control-allow-origin"] = "*"
    answer.headers["access-control-expose-headers"] = EXPOSED
  end
  local resume = answer.resume
  if resume then answer.resume = function() return self:open(request, resume()) end end
  return answer
end

--- @section end

--- Makes the rules of a sandbox.
-- @tparam string listens_on the address or name that it listens on
-- @tparam {string,...} allowed further hosts, without ports
-- @treturn Access
function access.new(listens_on, allowed)
  local hosts = {}
  for _, name in ipairs(allowed) do hosts[ascii.lower(name)] = true end
  hosts[ascii.lower(listens_on)] = true
  return setmetatable({ hosts = hosts, any_address = ANY_ADDRESS[listens_on] == true }, Access)
end

return access
