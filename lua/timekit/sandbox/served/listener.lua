--- A server of HTTP/1.1 by lua-http that answers with what a function says, until it is stopped.
-- @module timekit.sandbox.served.listener

local listener = {}

-- Seconds that a connection may be idle between two requests.
local IDLE_TIMEOUT = 120

-- Debian's lua-http has no folder for Lua 5.4, and its folder for 5.3 lacks modules that are in the one for 5.2, or,
-- from Debian 13 on, for 5.1.
local DEBIAN_PATH = ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.2/?.lua"
  .. ";/usr/share/lua/5.1/?.lua"

--- Loads lua-http's server. On Lua 5.3 and 5.4 that adds the folders where Debian has it to `package.path`.
-- Raises when it is missing, saying how to install it.
-- @tparam string purpose what needs it, for the message
-- @treturn table `http.server`
function listener.load_http(purpose)
  if _VERSION > "Lua 5.2" and not package.path:find(DEBIAN_PATH, 1, true) then
    package.path = package.path .. DEBIAN_PATH
  end
  local ok, problem = pcall(require, "http.server")
  if not ok then
    error(("%s needs lua-http: apt-get install lua-http (Debian), or luarocks install http\n%s"):format(
      purpose, tostring(problem):match("[^\n]*")), 0)
  end
  return require "http.server"
end

local function origin_of(http)
  local _, host, port = http:localname()
  if host:find(":", 1, true) then host = "[" .. host .. "]" end
  return ("http://%s:%d"):format(host, port)
end

-- Calls `stop` when the process is asked to end. Returns a function that lets these signals end the process again, and
-- what it starts.
local function watch_signals(queue, stop)
  local signal = require "cqueues.signal"
  signal.block(signal.SIGINT, signal.SIGTERM)
  queue:wrap(function()
    signal.listen(signal.SIGINT, signal.SIGTERM):wait()
    stop()
  end)
  return function() signal.unblock(signal.SIGINT, signal.SIGTERM) end
end

-- Calls `stop` when the standard input ends.
local function watch_input(queue, stop)
  local input = { pollfd = 0, events = "r" }
  queue:wrap(function()
    repeat require("cqueues").poll(input) until not io.stdin:read(1)
    stop()
  end)
end

--- Serves until it is stopped: by SIGINT, SIGTERM, or the function that `on_ready` gets.
-- @tparam table options
-- @tparam string options.host the address to listen on
-- @tparam integer options.port 0 takes a free one
-- @tparam function options.respond as for `timekit.sandbox.served.exchange`
-- @tparam function options.report called with the text of an error of ours
-- @tparam ?boolean options.until_eof also stop when the standard input ends
-- @tparam function options.on_ready function(origin, stop, queue), called once requests are accepted; `origin` is like
--   `http://127.0.0.1:8808`, `stop()` ends the server, `queue` is its controller of cqueues
-- @treturn boolean|nil true when it was stopped; nil when it could not listen
-- @treturn ?string why it could not
function listener.serve(options)
  local exchange = require "timekit.sandbox.served.exchange"
  local queue = require("cqueues").new()
  local host, port, report = options.host, options.port, options.report
  local http = require("http.server").listen {
    cq = queue, host = host, port = port, tls = false, version = 1.1, intra_stream_timeout = IDLE_TIMEOUT,
    onstream = function(_, stream) exchange.run(stream, options.respond, report) end,
    -- Failures of a connection are its client's business. Only errors of ours are reported.
    onerror = function(_, _, operation, problem)
      if operation == "onstream" then report(tostring(problem)) end
    end,
  }
  local listening, problem = http:listen()
  if not listening then return nil, ("cannot listen on %s:%d: %s"):format(host, port, tostring(problem)) end

  local stopped = false
  local function stop() stopped = true end
  local unwatch_signals = watch_signals(queue, stop)
  if options.until_eof then watch_input(queue, stop) end
  options.on_ready(origin_of(http), stop, queue)
  while not stopped do
    local ok, trouble, _, _, _, fd = queue:step()
    -- A file or /dev/null as the standard input cannot be polled. It counts as ended.
    if fd == 0 then stop() elseif not ok then report(tostring(trouble)) end
  end
  http:close()
  unwatch_signals()
  return true
end

return listener
