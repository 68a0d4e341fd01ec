-- What test_threads.c runs in its Lua states, by the names of these functions. Each raises when something is wrong.
local threads = {}

local KEY = "live_api_key_1"

local function finish(engine, transfer)
  while not transfer:done() do engine:wait(20) end
  return transfer:result()
end

-- Loads the module and nothing else, and uses it once.
function threads.load(url, number)
  local core = require "timekit.core"
  local engine = core.engine { base_url = url, username = "", password = KEY }
  local result = finish(engine, engine:start { method = "GET", target = "/ok/" .. number, timeout = 20 })
  assert(result.reason == "ok" and result.body == tostring(number), result.text)
  assert(core.load_decoder() == core.json)
  assert(core.decode(core.encode { result.body })[1] == result.body)
  engine:close()
end

threads.CONFIRMS, threads.TRANSFERS = 20, 30

-- Two clients and an engine at the same time. CONFIRMS + TRANSFERS requests.
function threads.work(url, number)
  local core = require "timekit.core"
  local timekit = require "timekit"
  local clients = {}
  for index = 1, 2 do
    clients[index] = timekit.new { app_key = KEY, base_url = url .. "/state/confirmed", timeout = 20 }
  end
  local engine = core.engine { base_url = url, username = "", password = KEY }
  local transfers = {}
  for index = 1, threads.TRANSFERS do
    local target = ("/ok/%d-%d"):format(number, index)
    transfers[index] = engine:start { method = "PUT", target = target, body = "{}", timeout = 20 }
    if index % 3 == 0 then engine:step() end
  end
  for index = 1, threads.CONFIRMS do
    local booking = assert(clients[index % 2 + 1]:booking("b1"):confirm())
    assert(booking.state == "confirmed")
  end
  for index, transfer in ipairs(transfers) do
    local result = finish(engine, transfer)
    assert(result.reason == "ok" and result.body == ("%d-%d"):format(number, index), result.text)
  end
  engine:close()
  for _, tk in ipairs(clients) do tk:close() end
end

-- ---- one state, before and after a fork: what lives across it ----

local tk, connection, under_way, never

-- Two requests are answered, a third never will be.
function threads.before_fork(url)
  tk = require "timekit".new { app_key = KEY, base_url = url .. "/state/confirmed", timeout = 20 }
  assert(tk:booking("b1"):confirm())
  connection = require "timekit.transport.core":connect {
    base_url = url, username = "", password = KEY, headers = {}, connect_timeout = 10, max_response = 1000000,
  }
  never = connection:start { method = "GET", target = "/never", timeout = 20 }
  assert(finish(connection, connection:start { method = "GET", target = "/ok/1", timeout = 20 }).body == "1")
end

-- Until the server has seen it.
function threads.step()
  connection:step()
end

-- A fourth request is about to be sent.
function threads.start()
  under_way = connection:start { method = "GET", target = "/ok/2", timeout = 20 }
end

-- Two requests, on connections of the child's own. What the parent had under way stays the parent's.
function threads.in_child()
  assert(tk:booking("b1"):confirm())
  local outcome = finish(connection, connection:start { method = "GET", target = "/ok/3", timeout = 20 })
  assert(outcome.body == "3" and outcome.reused == false)
  never:cancel()
  assert(never:result().failure.kind == "cancelled" and never:result().sent == "maybe")
  under_way:cancel()
  assert(under_way:result().failure.kind == "cancelled")
  tk:close()
  connection:close()
  tk, connection, under_way, never = nil, nil, nil, nil
  collectgarbage()
end

-- Two requests, on the connections that there were before.
function threads.after_fork()
  local outcome = finish(connection, under_way)
  assert(outcome.body == "2" and outcome.reused == true)
  assert(not never:done())
  never:cancel()
  outcome = finish(connection, connection:start { method = "GET", target = "/ok/4", timeout = 20 })
  assert(outcome.body == "4" and outcome.reused == true)
  assert(tk:booking("b1"):confirm())
  tk:close()
  connection:close()
end

return threads
