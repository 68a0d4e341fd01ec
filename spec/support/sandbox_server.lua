--- A sandbox served over HTTP by a process of its own, and a client of bare sockets to talk to it.
local core = require "timekit.core"
local process = require "spec.support.process"
local socket = require "socket"
local this_lua = require "spec.support.this_lua"

local server = {}
server.__index = server

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

--- `:test_api_key_1`
server.AUTH = "Authorization: Basic OnRlc3RfYXBpX2tleV8x\r\n"

-- What a developer's own environment sets is not for the specs.
local CLEAN = "env -u KEY -u TIMEKIT_APP_KEY -u HOST -u ALLOW_HOST -u RATE_PER_MINUTE -u RATE_BURST -u RATE_PER_DAY"

--- The command that serves a sandbox.
-- @tparam ?string environment such as `PORT=0 KEY=x`
-- @tparam ?string before Lua code to run first; no single quotes
-- @treturn string for a shell
function server.command(environment, before)
  return ([[%s %s %s -e '%s require("timekit.sandbox.server").main()']]):format(
    CLEAN, environment or "", this_lua.command, before or "")
end

--- Starts a server; it ends by `close()`, or when the suite does.
-- @tparam ?string environment further variables
-- @tparam ?string redirection for the shell
-- @treturn table with `line`, the first that it printed; `url`, the base URL; `port`; `host`, a Host header for it
function server.start(environment, redirection)
  local command = server.command("PORT=0 UNTIL_EOF=1 " .. (environment or ""))
  local program = process.start(command .. " " .. (redirection or ""))
  local url, port = (program.line or ""):match("^timekit sandbox on (http://[^/]+:(%d+)/v2)$")
  assert(url, program.line or "the sandbox did not start")
  return setmetatable({
    program = program, line = program.line, url = url, port = port, host = "127.0.0.1:" .. port,
  }, server)
end

function server:close()
  self.program:close()
end

--- Opens a connection.
-- @treturn socket of luasocket
function server:connect()
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:settimeout(PATIENCE)
  return connection
end

--- Reads an answer.
-- @param connection from `connect`
-- @tparam ?boolean bodiless for HEAD
-- @treturn table|nil `{ status =, headers =, body =, version = }`; nil at the end of the connection
function server.read(connection, bodiless)
  local line, problem = connection:receive("*l")
  if not line then
    assert(problem == "closed", problem)
    return nil
  end
  local version, status = line:match("^HTTP/(%d%.%d) (%d%d%d) ")
  local headers = {}
  for header in function() return connection:receive("*l") end do
    if header == "" then break end
    local name, value = header:match("^([^:]+): (.*)$")
    headers[name:lower()] = value
  end
  local length = tonumber(headers["content-length"] or 0)
  local body = not bodiless and length > 0 and assert(connection:receive(length)) or ""
  return { status = tonumber(status), headers = headers, body = body, version = version }
end

--- The text of a request.
-- @tparam string method
-- @tparam string path
-- @tparam ?string body
-- @tparam[opt="127.0.0.1"] string host the Host header
-- @treturn string
function server.request_text(method, path, body, host)
  return ("%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n%s"):format(method, path, host or "127.0.0.1", server.AUTH,
    body and ("Content-Length: %d\r\n"):format(#body) or "", body or "")
end

--- Sends a request on a connection of its own.
-- @treturn number status
-- @treturn any the decoded body
function server:request(method, path, body)
  local connection = self:connect()
  assert(connection:send(server.request_text(method, path, body, self.host)))
  local answer = assert(server.read(connection, method == "HEAD"))
  connection:close()
  return answer.status, answer.body ~= "" and assert(core.decode(answer.body)) or nil
end

return server
