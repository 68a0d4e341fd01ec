--- The C core as a transport: libcurl, many requests at once, none of them sent twice.
-- @module timekit.transport.core
-- @see timekit.transport.reference

local core = require "timekit.core"

local Connection = {}
Connection.__index = Connection

function Connection:start(request)
  return self.fresh():start(request)
end

function Connection:step()
  local engine = self.current()
  if engine then engine:step() end
end

function Connection:wait(seconds)
  local engine = self.current()
  if engine then engine:wait(seconds) else core.sleep(seconds) end
end

function Connection:finished()
  local engine = self.current()
  return table.remove(self.left_over) or engine and engine:finished()
end

function Connection:fd()
  return self.fresh():fd()
end

function Connection:alarm(when)
  local engine = self.current()
  if engine then engine:alarm(when) end
end

function Connection:timeout()
  local engine = self.current()
  return engine and engine:timeout()
end

local transport = {}

--- Makes a connection. Its engine is made when it is first needed. A forked process makes an engine of its own and
-- leaves the first one to its parent.
-- @function transport:connect
-- @tparam table options as in the transport contract
-- @treturn table the connection
function transport.connect(_, options)
  -- These are upvalues, not fields: the options hold the key, and printing a connection must not show it.
  local engine, closed
  local connection = { left_over = {} }

  function connection.current()
    return engine
  end

  -- Keeps what the old engine has finished and nobody has asked for.
  local function retire()
    engine:step()
    for transfer in engine.finished, engine do table.insert(connection.left_over, 1, transfer) end
  end

  function connection.fresh()
    if closed then error("the connection is closed", 3) end
    if not (engine and engine:usable()) then
      if engine then retire() end
      engine = core.engine(options)
    end
    return engine
  end

  function connection.close()
    closed = true
    if engine then engine:close() end
    engine = nil
  end

  return setmetatable(connection, Connection)
end

return transport
