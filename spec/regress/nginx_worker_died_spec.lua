-- A user saw: an nginx worker that died after a few requests which each started a call.
-- Each call has a coroutine of its own: calls that shared them saved 2 us of 50, and cost nginx its worker.
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local timekit = require "timekit"

local KEY = "test_api_key_1"

local BOOKING = {
  graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
}

describe("an error that a call's function raises", function()
  local tk

  before_each(function()
    tk = timekit.new { app_key = KEY, transport = timekit.sandbox.new { app_key = KEY } }
  end)

  after_each(function() tk:close() end)

  -- What comes out of `start` for a function that is called wrongly, or later out of `update`.
  local function message_of(fn, ...)
    local _, message = pcall(tk.start, tk, fn, ...)
    return message
  end

  it("blames nobody where it was the function's caller", function()
    local handle = tk:booking("b1")
    for _, case in ipairs {
      { "booking:confirm: inputs: ", handle.confirm, handle, 1 },
      { "booking:action: the action's name: ", handle.action, handle, "" },
      { "booking:start: the action's name: ", handle.start, handle, "" },
      { "booking:get: ", handle.get, handle, { incl = "x" } },
      { "booking:can: ", handle.can, handle, "" },
      { "client:booking: ", tk.booking, tk, "" },
      { "client:create_booking: ", tk.create_booking, tk, 1 },
      { "client:start: ", tk.start, tk, 1 },
      { "client:batch: ", tk.batch, tk, {}, { concurrency = 0 } },
      { "mine", function() error("mine", 2) end },
    } do
      local message = message_of((table.unpack or unpack)(case, 2)) -- luacheck: globals unpack table.unpack
      assert.equal(case[1], message:sub(1, #case[1]))
    end
  end)

  it("comes as it is, whatever it is", function()
    local object = setmetatable({}, { __tostring = function() return "an object" end })
    assert.equal(object, message_of(function() error(object) end))
    -- Lua 5.5 itself makes a text of nil.
    assert.equal(select(2, pcall(error, nil)), message_of(function() error(nil) end))
    assert.matches("nginx_worker_died_spec.lua:%d+: here$", message_of(function() error("here") end))
    local call = tk:start(function()
      coroutine.yield()
      error(object)
    end)
    local _, later = pcall(tk.update, tk)
    assert.equal(object, later)
    local _, once_more = pcall(call.result, call)
    assert.equal(object, once_more)
  end)
end)

describe("who holds the coroutine of a call", function()
  local tk

  before_each(function()
    tk = timekit.new { app_key = KEY, transport = timekit.sandbox.new { app_key = KEY } }
  end)

  after_each(function() tk:close() end)

  local function thread_of_past_call()
    local thread
    tk:start(function() thread = coroutine.running() end)
    return thread
  end

  it("finds that it does not go on when the call is over, and later calls do", function()
    for _ = 1, 3 do
      local thread = thread_of_past_call()
      local well, problem = coroutine.resume(thread, "x")
      assert.is_false(well)
      assert.equal("cannot resume dead coroutine", problem)
      assert.equal("fine", tk:start(function() return "fine" end):result())
    end
  end)

  if coroutine.close then
    it("may close it when the call is over", function()
      for _ = 1, 3 do
        assert.is_true(coroutine.close(thread_of_past_call()))
        assert.equal("fine", tk:start(function() return "fine" end):result())
      end
    end)
  end
end)

-- LuaJIT has one hook for all coroutines.
if not rawget(_G, "jit") then
  it("a hook that a call's function sets on its coroutine is not there in later calls", function()
    local tk = timekit.new { app_key = KEY, transport = timekit.sandbox.new { app_key = KEY } }
    local own = tk:start(function()
      debug.sethook(function() end, "", 1000000)
      return debug.gethook()
    end)
    assert.is_function((own:result()))
    assert.is_nil((tk:start(function() return (debug.gethook()) end):result()))
    tk:close()
  end)
end

describe("nginx", function()
  local server, tk, running

  setup(function()
    server = sandbox_server.start("KEY=" .. KEY)
    tk = timekit.new { app_key = KEY, base_url = server.url }
  end)

  teardown(function()
    if running then running:close() end
    tk:close()
    server:close()
  end)

  it("starts calls in one request after the other, and its worker lives", function()
    local id = assert(tk:create_booking(BOOKING)).id
    running = nginx.start(nginx.configuration([[
      location /start {
        content_by_lua_block {
          client = client or require("timekit").new()
          local call = client:start(function() return client:booking(ngx.var.arg_id):get() end)
          for _ = 1, 1000 do
            if call:done() then break end
            ngx.sleep(0.005)
            client:update()
          end
          local booking, err = call:result()
          ngx.print(booking and booking.id or tostring(err), " ", ngx.worker.pid())
        }
      }
    ]], {
      main = "env TIMEKIT_APP_KEY;\nenv TIMEKIT_BASE_URL;\n", http = [[init_by_lua_block { require "timekit" }]],
    }),
      ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s"):format(KEY, server.url))
    local first = running:get("/start?id=" .. id)
    assert.equal(id, first:match("%S+"))
    for _ = 1, 6 do assert.equal(first, (running:get("/start?id=" .. id))) end
  end)
end)
