--- Addresses of Redis servers, as users write them. Pure.
-- @module timekit.redis.address

local ascii = require "timekit.text.ascii"
local url = require "timekit.http.url"

local address = {}

local EXAMPLES = "expected an address such as unix:///run/redis.sock, redis://127.0.0.1:6379/0 or rediss://host:6379/0"

local FULL = { redis = "http", rediss = "https" }

-- `user:password@`, and what follows it.
local function split_credentials(rest)
  local info, behind = rest:match("^([^@/]*)@(.*)$")
  if not info then return rest end
  local username, password = info:match("^([^:]*):(.*)$")
  if not username then username, password = "", info end
  return behind, username ~= "" and url.decode(username) or nil, url.decode(password)
end

local function of_socket(rest)
  local path, query = rest:match("^(/[^?#]*)%??([^#]*)$")
  local db = query == "" and "0" or query and query:match("^db=(%d+)$")
  if not path or not db then return nil, EXAMPLES end
  return { url = "http://localhost", unix_path = url.decode(path), db = tonumber(db) }
end

-- Passwords and jobs are not encrypted over redis://, so it is for this machine only, as http is.
local function of_host(scheme, rest)
  local host, db = rest:match("^([^/?#]+)/?(%d*)$")
  if not host then return nil, EXAMPLES end
  if not host:find(":%d+$") then host = host .. ":6379" end
  local base, problem = url.base(FULL[scheme] .. "://" .. host)
  if not base and scheme == "redis" and url.base("https://" .. host) then
    return nil, "redis:// is only for this machine: elsewhere use rediss://, which is encrypted"
  end
  if not base then return nil, problem:find("^no such") and problem or EXAMPLES end
  return { url = base, db = tonumber(db) or 0 }
end

--- Takes an address apart.
-- @tparam any value `unix:///path?db=0`, `redis://user:password@127.0.0.1:6379/0`, or `rediss://…` for TLS, which may
--   be any host. Names and passwords are percent-encoded
-- @treturn table|nil for `engine:stream`, with `db`, `username` and `password` beside; nil on a wrong address
-- @treturn ?string then what was expected, without repeating the address, which may hold a password
-- @usage address.parse("unix:///run/redis.sock").unix_path   --> "/run/redis.sock"
function address.parse(value)
  if type(value) ~= "string" or ascii.has_control(value) then return nil, EXAMPLES end
  local scheme, rest = value:match("^(%a+)://(.*)$")
  scheme = scheme and ascii.lower(scheme)
  if scheme ~= "unix" and not FULL[scheme] then return nil, EXAMPLES end
  local username, password
  rest, username, password = split_credentials(rest)
  local found, problem
  if scheme == "unix" then found, problem = of_socket(rest) else found, problem = of_host(scheme, rest) end
  if not found then return nil, problem end
  found.username, found.password = username, password
  return found
end

return address
