--- A box as a transport: the contract of `timekit.transport.reference`, answered at once and without a network.
-- @module timekit.sandbox.connection
local wire = require "timekit.sandbox.wire"

local connection = {}

local Transfer = {}
Transfer.__index = Transfer

function Transfer:done()
  return self.outcome ~= nil
end

function Transfer:result()
  return self.outcome
end

-- A transfer is over as soon as it is started, so there is never anything left to cancel.
function Transfer.cancel() end

local Connection = {}
Connection.__index = Connection

local function check_open(self)
  if self.closed then error("the connection is closed", 3) end
end

--- Starts a transfer, which is done at once.
-- @tparam table request `{ method =, target =, headers =, body =, timeout = }`, `target` relative to the base URL
-- @treturn table transfer with `done()`, `result()`, `cancel()`
function Connection:start(request)
  check_open(self)
  local headers = wire.lower(self.headers)
  for name, value in pairs(wire.lower(request.headers)) do headers[name] = value end
  headers.authorization = self.authorization()
  local answer = self.box:handle {
    method = request.method, target = "/v2" .. request.target, headers = headers, body = request.body,
    base_url = self.base_url,
  }
  local outcome = {
    status = answer.status, headers = answer.headers, body = answer.body,
    sent = "yes", reused = self.used, http_version = "1.1",
    times = { name_lookup = 0, connect = 0, tls = 0, first_byte = 0, total = 0 },
  }
  self.used = true
  return setmetatable({ outcome = outcome }, Transfer)
end

--- Nothing is ever in flight, so there is nothing to wait for.
function Connection:wait()
  check_open(self)
end

--- As `wait`.
function Connection:step()
  check_open(self)
end

--- There is no descriptor.
-- @treturn nil
function Connection.fd()
  return nil
end

--- There is no timer.
-- @treturn nil
function Connection.timeout()
  return nil
end

--- Ends the connection; closing it again does nothing.
function Connection:close()
  self.closed = true
end

--- Opens a connection to a box.
-- @tparam table box
-- @tparam table options of the transport contract: `base_url`, `username`, `password`, `headers`, `user_agent`; what
--   concerns a network is of no account here
-- @treturn table connection
function connection.new(box, options)
  local headers = wire.lower(options.headers)
  headers["user-agent"] = options.user_agent
  local authorization
  if options.username or options.password then
    authorization = wire.basic(options.username or "", options.password or "")
  end
  return setmetatable({
    box = box, base_url = options.base_url, headers = headers, used = false, closed = false,
    -- A function, so that printing the connection shows no key.
    authorization = function() return authorization end,
  }, Connection)
end

return connection
