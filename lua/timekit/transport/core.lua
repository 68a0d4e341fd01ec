--- The C core as a transport: libcurl, many requests at once, none ever sent twice.
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

--- Makes a connection. The engine behind it is made when it is first needed, one for each process: the engine of a
-- process that forked is left to that process.
-- @function transport:connect
-- @tparam table options as in the transport contract
-- @treturn table the connection
function transport.connect(_, options)
  -- In variables of functions rather than in fields, where nobody who prints a connection finds the key.
  local engine, closed
  local connection = { left_over = {} }

  function connection.current()
    return engine
  end

  -- What an engine that will not be used again has ended is still to be told.
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
