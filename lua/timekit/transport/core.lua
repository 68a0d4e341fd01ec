--- The C core as a transport: libcurl, many requests at once, none of them sent twice.
-- @module timekit.transport.core
-- @see timekit.transport.reference

local core = require "timekit.core"

-- A request that was not sent, because the process has no descriptor left for an engine.
local Unsent = {}
Unsent.__index = Unsent

function Unsent.done() return true end

function Unsent.cancel() end

function Unsent:result()
  return self.outcome
end

local function unsent(message)
  return setmetatable({ outcome = { failure = { kind = "network", message = message }, sent = "no" } }, Unsent)
end

local Connection = {}
Connection.__index = Connection

function Connection:start(request)
  local engine = self.engine
  local transfer = engine and engine:start(request)
  if transfer then return transfer end
  local new, problem = self.fresh()
  if not new then return unsent(problem) end
  return assert(new:start(request), "a new engine starts nothing")
end

local function move_guests(self)
  local guests = self.guests
  for index = 1, #guests do guests[index]:move() end
end

function Connection:attach(guest)
  self.guests[#self.guests + 1] = guest
  return self.fresh
end

function Connection:step()
  local engine = self.engine
  if engine then engine:step() end
  move_guests(self)
end

function Connection:wait(seconds)
  local engine = self.engine
  if engine then engine:wait(seconds) else core.sleep(seconds) end
  move_guests(self)
end

function Connection:finished()
  local engine, left_over = self.engine, self.left_over
  if left_over[1] then return table.remove(left_over) end
  local transfer = engine and engine:finished()
  if transfer then return transfer end
  for _, guest in ipairs(self.guests) do
    transfer = guest:finished()
    if transfer then return transfer end
  end
end

function Connection:fd()
  local engine = self.fresh()
  return engine and engine:fd()
end

function Connection:alarm(when)
  local engine = self.engine
  if engine then engine:alarm(when) end
end

function Connection:timeout()
  local engine = self.engine
  return engine and engine:timeout()
end

local transport = {}

--- Makes a connection. Its engine is made when it is first needed. A forked process makes an engine of its own and
-- leaves the first one to its parent.
-- @function transport:connect
-- @tparam table options as in the transport contract
-- @treturn table the connection
function transport.connect(_, options)
  local closed = false
  local connection = { engine = nil, left_over = {}, guests = {} }

  -- Keeps what the old engine has finished and nobody has asked for.
  local function retire(engine)
    engine:step()
    for transfer in engine.finished, engine do table.insert(connection.left_over, 1, transfer) end
    connection.engine = nil
  end

  -- The engine, made anew if need be; nil and why not where there are no descriptors for one. A function, not a method:
  -- the options hold the key, and printing a connection must not show it.
  function connection.fresh()
    local engine = connection.engine
    if closed then error("the connection is closed", 3) end
    if engine and engine:usable() then return engine end
    if engine then retire(engine) end
    local new, problem = core.engine(options)
    connection.engine = new
    return new, problem
  end

  function connection.close()
    local engine = connection.engine
    closed = true
    for _, guest in ipairs(connection.guests) do guest:close() end
    if engine then engine:close() end
    connection.engine = nil
  end

  return setmetatable(connection, Connection)
end

return transport
