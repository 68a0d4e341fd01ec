--- The fault server for specs: starts it, plans what it does, asks what it saw.
--
-- A request is known by its id: the part after `/f/` in its path. Each id can be given a list of
-- steps, one for each time a request with it arrives. Beyond the list it is answered normally, so a
-- request that is secretly sent again succeeds and is counted.
--
-- Fields of a step:
--
-- * `act`: what to do. "answer" (the default; `status`, `headers`, `body` or `size`, `chunked`, `gzip`,
--   `seconds` of delay), "fin", "reset", "notify" (TLS close_notify without FIN), "truncate"
--   (`chunked`, `size` sent, `how`), "endless", "bomb" (`size`), "drip", "slow_head", "silent",
--   "header_flood" (`count`), "endless_header", "informational" (`count`), "garbage", "raw" (`text`);
--   for HTTP/2 "refuse" (`code`), "goaway" (`last` = "before" or "at"; `answer`), "gather" (`count`, `keep`, `answer`).
-- * `at`: when. After the whole request (the default), "headers": before the body is read, "body": after
--   `bytes` of it; the last two with the acts "fin", "reset", and "headers" also with "stall": nothing more is read.
-- * `after`: what happens to the connection after the act: "fin", "reset", "notify", "goaway".
local cjson = require "cjson"
local process = require "spec.support.process"

local faults = {}
faults.__index = faults

-- Debian has lua-http and what it needs for other Luas only; their files run on 5.4. A sanitizer that is preloaded into
-- the suite stays out of the server. The system's OpenSSL settings would forbid TLS 1.1.
local COMMAND = "env -u LD_PRELOAD OPENSSL_CONF=/dev/null LUA_CPATH=';;' "
  .. "LUA_PATH='./?.lua;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua;"
  .. "/usr/share/lua/5.1/?.lua' "
  .. "lua5.4 spec/support/fault_server.lua"

--- Starts a server; `close()` it when done.
-- @treturn table with `url` (base URLs by listener: http, tls, wrong_host, expired, self_signed,
--  old_tls, by_other, client_wanted, proxy, tls_proxy, trap, closed), `port`, `ca_file`, `other_ca_file`, `directory`
--  (of those and further files, see spec/support/tls.lua)
function faults.start()
  local program = process.start(COMMAND)
  assert(program.line, "the fault server did not start")
  local ready = cjson.decode(program.line)
  local self = setmetatable({ program = program, port = {}, url = {}, last_id = 0 }, faults)
  for name, port in pairs(ready.ports) do
    port = ("%d"):format(port)
    local scheme = (name == "http" or name == "proxy" or name == "trap" or name == "closed") and "http" or "https"
    self.port[name] = port
    self.url[name] = ("%s://127.0.0.1:%s"):format(scheme, port)
  end
  self.directory = ready.directory
  self.ca_file = ready.directory .. "/ca.pem"
  self.other_ca_file = ready.directory .. "/other_ca.pem"
  return self
end

--- Waits until a transfer is over.
-- @return its result
function faults.finish(engine, transfer)
  local patience = os.time() + 60
  while not transfer:done() do
    engine:wait(1)
    assert(os.time() < patience, "the transfer does not end")
  end
  return transfer:result()
end

--- Sends a PUT for `id` and waits for what comes of it.
-- @param engine of timekit.core
-- @tparam string id
-- @tparam ?table extra further fields of the request
-- @return the transfer's result
function faults.request(engine, id, extra)
  local request = { method = "PUT", target = "/f/" .. id, body = "{}", timeout = 20 }
  for key, value in pairs(extra or {}) do request[key] = value end
  return faults.finish(engine, engine:start(request))
end

local function ask(self, command, given)
  given.command = command
  self.program:say(cjson.encode(given))
  local line = assert(self.program:read(), "the fault server has gone")
  return cjson.decode(line)
end

--- A fresh id, with what is to happen to its first, second, … request.
-- @treturn string the id
function faults:plan(...)
  self.last_id = self.last_id + 1
  local id = ("r%d"):format(self.last_id)
  if select("#", ...) > 0 then ask(self, "plan", { id = id, steps = { ... } }) end
  return id
end

--- What happens to the next `times` connections before anything else: `step.act` is "fin", "reset" or
-- "silent"; with `step.at` = "hello" only after the first bytes came; `step.say` is written before.
function faults:accept(listener, step, times)
  ask(self, "accept", { listener = listener, step = step, times = times })
end

--- Ends all idle connections of a listener; it has happened when this returns.
-- @tparam string how "fin", "reset", "notify" (a second call with "fin" then ends those), "goaway"
-- @treturn number how many there were
function faults:end_idle(listener, how)
  return ask(self, "close", { listener = listener, how = how }).count
end

--- What the server saw of an id.
-- @treturn table `started` (headers arrived), `complete` (everything arrived), `requests`: a list of
--  method, target, headers (lower-case names), names (as sent), body, connection, nth, protocol, listener, client (the
--  name in its certificate)
function faults:seen(id)
  return ask(self, "seen", { id = id })
end

--- Waits until the client has seen the end of the connection that `id` was answered on, if it has ended.
function faults:settle(id)
  ask(self, "settle", { id = id })
end

--- Lets the proxy answer every CONNECT with `status`; nil: tunnel again.
function faults:proxy(status)
  ask(self, "proxy", { status = status })
end

--- Counts since the start.
-- @treturn table `connections` accepted and `open` ones, by listener; `proxied`: the requests that the proxy got
function faults:stats()
  return ask(self, "stats", {})
end

--- Goes on with an engine until the server has seen a whole request with this id.
function faults:await(engine, id)
  local patience = os.time() + 60
  while self:seen(id).complete == 0 do
    engine:wait(0.01)
    assert(os.time() < patience, "the request does not arrive")
  end
end

--- Ends the server.
function faults:close()
  self.program:close()
end

return faults
