-- The collector may run wherever Lua takes memory, and finalizers with it: what they release or close is not in use
-- any more when it goes.
local core = require "timekit.core"
local socket = require "socket"

local HEADERS = {}
for number = 1, 40 do HEADERS[number] = ("X-Name-%d: %s\r\n"):format(number, ("v"):rep(100)) end

local BODY = '{"a":[' .. ('{"k":"some longer text"},'):rep(300) .. "1]}"

local function finalized_by(fn)
  local newproxy = _VERSION == "Lua 5.1" and rawget(_G, "newproxy")
  if newproxy then
    getmetatable(newproxy(true)).__gc = fn
  else
    setmetatable({}, { __gc = fn })
  end
end

-- Calls a function; the collector goes all the way and calls the finalizer as soon as memory is taken.
local function pcall_while_collecting(finalizer, fn, ...)
  collectgarbage("stop")
  finalized_by(finalizer)
  local pause, speed = collectgarbage("setpause", 0), collectgarbage("setstepmul", 1000000)
  collectgarbage("restart")
  local found = { pcall(fn, ...) }
  collectgarbage("setpause", pause)
  collectgarbage("setstepmul", speed)
  return found[1], found[2], found[3]
end

describe("a finalizer", function()
  local listener, engine

  before_each(function()
    listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(5)
    local _, port = listener:getsockname()
    engine = core.engine { base_url = "http://127.0.0.1:" .. port }
  end)

  after_each(function()
    engine:close()
    listener:close()
  end)

  local function fetch(body)
    local transfer = engine:start { method = "GET", target = "/x" }
    local peer = assert(listener:accept())
    peer:send("HTTP/1.1 200 OK\r\nConnection: close\r\n" .. table.concat(HEADERS)
      .. ("Content-Length: %d\r\n\r\n%s"):format(#body, body))
    peer:close()
    while not transfer:done() do engine:wait(1) end
    return transfer
  end

  -- What a function of the transfer returns while a finalizer releases it; or nil where that came first.
  local function read_while_released(body, read)
    local transfer = fetch(body)
    local others = {} -- luacheck: ignore 241
    local function release()
      transfer:release()
      -- Whoever still read the memory would read these.
      for size = 10, 15 do others[size] = ("z"):rep(2 ^ size - 64) .. size end
    end
    local well, value, problem = pcall_while_collecting(release, read, transfer)
    if well then return value, problem end
    assert.matches("attempt to use a released transfer", value, 1, true)
  end

  it("can release a transfer that is being decoded", function()
    for _ = 1, 20 do
      local value, problem = read_while_released(BODY, function(transfer) return transfer:decode() end)
      if value ~= nil or problem then assert.equal(301, value and #value.a, problem) end
      value, problem = read_while_released(BODY .. "x", function(transfer) return transfer:decode() end)
      if value ~= nil or problem then
        assert.is_nil(value)
        assert.matches("at character " .. #BODY + 1, problem, 1, true)
      end
    end
  end)

  it("can release a transfer whose headers or body are being read", function()
    for _ = 1, 20 do
      local headers = read_while_released(BODY, function(transfer) return transfer.headers end)
      for number = 1, headers and 40 or 0 do assert.equal(("v"):rep(100), headers["x-name-" .. number]) end
      local body = read_while_released(BODY, function(transfer) return transfer.body end)
      assert.is_true(body == nil or body == BODY)
      local value = read_while_released(BODY, function(transfer)
        local one, two = transfer:header("x-name-1", "x-name-40")
        return one .. two
      end)
      assert.equal(("v"):rep(200), value or ("v"):rep(200))
    end
  end)

  it("can close an engine that is starting a transfer", function()
    for _ = 1, 20 do
      local other = core.engine { base_url = "http://127.0.0.1:9" }
      local well, problem = pcall_while_collecting(function() other:close() end, other.start, other,
        { method = "GET", target = "/x", headers = { a = "b", c = "d" } })
      other:close()
      if not well then assert.matches("attempt to use a closed engine", problem, 1, true) end
    end
  end)
end)
