--- The C core as a transport: libcurl, many requests at once, none ever sent twice.
-- @module timekit.transport.core
-- @see timekit.transport.reference

local core = require "timekit.core"

-- What the engine says about its end, in the words of the transport contract. Where libcurl gave up, its code decides.
local KINDS = {
  deadline = "timeout", cancelled = "cancelled", closed = "cancelled",
  body_limit = "response", header_limit = "response",
  resend = "network", memory = "network",
}

-- libcurl's codes that are not about the connection (curl/curl.h).
local CURL_KINDS = {
  [1] = "response",  -- CURLE_UNSUPPORTED_PROTOCOL: an answer that is not HTTP/1 or later
  [8] = "response",  -- CURLE_WEIRD_SERVER_REPLY
  [28] = "timeout",  -- CURLE_OPERATION_TIMEDOUT: connecting took too long
  [61] = "response", -- CURLE_BAD_CONTENT_ENCODING
}

-- CURLE_PEER_FAILED_VERIFICATION and CURLE_SSL_CACERT_BADFILE: whoever meets them is not to turn verification off.
local CA_HINTS = { [60] = true, [77] = true }

local function message_of(result)
  if not CA_HINTS[result.code] then return result.text end
  return result.text .. " (the option ca_file names a file of certificates to trust instead of the system's)"
end

local function kind_of(result)
  local kind = KINDS[result.reason] or CURL_KINDS[result.code] or "network"
  -- Lost in the middle of the answer: what came is cut off.
  if kind == "network" and result.status then return "response" end
  return kind
end

local Transfer = {}
Transfer.__index = Transfer

function Transfer:done()
  return self.engine_transfer:done()
end

function Transfer:cancel()
  self.engine_transfer:cancel()
end

function Transfer:result()
  if self.outcome then return self.outcome end
  local result = self.engine_transfer:result()
  if not result then return nil end
  self.outcome = {
    status = result.status, headers = result.headers, body = result.body,
    failure = result.reason ~= "ok"
      and { kind = kind_of(result), message = message_of(result), code = result.code } or nil,
    sent = result.sent, reused = result.reused, http_version = result.http_version, times = result.times,
  }
  return self.outcome
end

local Connection = {}
Connection.__index = Connection

function Connection:start(request)
  local transfer = setmetatable({}, Transfer)
  transfer.engine_transfer = self.fresh():start(request, transfer)
  return transfer
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
