-- When something that nginx gives the client fails, the calls that wait still end, and later ones work.
local app = require "spec.support.nginx_app"
local nginx = require "spec.support.nginx"
local socket = require "socket"

local start, book, decode, get = app.start, app.book, app.decode, app.get
local slow_down, wait_until_under_way, confirm_all = app.slow_down, app.wait_until_under_way, app.confirm_all

setup(app.open)
teardown(app.close)
after_each(app.stop)

describe("in nginx", function()
  describe("an error in the pump fails the calls that wait, and the next call works:", function()
    local OWN = [[
      location = /own { content_by_lua_block {
        ngx.print(plain(own:booking(ngx.var.arg_id):action("confirm", nil, { timeout = 10 })))
      } }
      location = /break { content_by_lua_block { break_it() } }
    ]] .. app.CONFIRM

    it("in the transport", function()
      start(OWN, { init = [[
        local inner = require "timekit.transport.core"
        local is_broken = false
        function break_it() is_broken = true end
        own = timekit.new { transport = { connect = function(_, options)
          local connection = inner:connect(options)
          local outer = setmetatable({}, { __index = function(_, name)
            return function(_, ...) return connection[name](connection, ...) end
          end })
          function outer.step()
            if is_broken then is_broken = false error "injected" end
            return connection:step()
          end
          return outer
        end } }
      ]] })
      local ids = { book(), book(), book() }
      slow_down(0.3, 3)
      local asked = { app.running:ask("/own?id=" .. ids[1]), app.running:ask("/own?id=" .. ids[2]) }
      local other = app.running:ask("/confirm?id=" .. ids[3])
      for _, id in ipairs(ids) do wait_until_under_way(id) end
      app.running:get("/break")
      for _, connection in ipairs(asked) do
        local err = decode(nginx.answer(connection))
        assert.equal("cancelled", err.kind)
        assert.equal("maybe", err.sent)
      end
      -- Another client's pump is not to blame.
      assert.equal("confirmed", decode(nginx.answer(other)).state)
      assert.matches("%[error%].*timekit: .*injected", app.running:complaints())
      assert.equal("confirmed", get("/own?id=" .. book()).state)
    end)

    it("in the timer", function()
      start(OWN, { init = [[
        local core = require "timekit.core"
        local notifier = core.notifier
        function break_it()
          core.notifier = function() core.notifier = notifier error "injected" end
        end
        own = timekit.new {}
      ]] })
      app.running:get("/break")
      local id = book()
      slow_down(0.3)
      assert.equal("cancelled", get("/own?id=" .. id).kind)
      assert.matches("%[error%].*timekit: .*injected", app.running:complaints())
      assert.equal("confirmed", get("/own?id=" .. book()).state)
    end)
  end)

  describe("without a notifier", function()
    it("the timer looks every now and then", function()
      start(app.CONFIRM .. [[
        location = /timers { content_by_lua_block { ngx.print(ngx.timer.running_count()) } }
      ]], nil, "TMPDIR=/nowhere")
      local ids = {}
      for index = 1, 20 do ids[index] = book() end
      slow_down(0.3, #ids)
      local answers, seconds = confirm_all(ids)
      for index, answer in ipairs(answers) do assert.equal(ids[index], answer.id) end
      assert.is_true(seconds < 1)
      repeat until app.running:get("/timers") == "0"
      assert.equal("confirmed", get("/confirm?id=" .. book()).state)
      assert.equal(1, select(2, app.running:log():gsub("%[warn%][^\n]*timekit: looks for answers", "")))
    end)

    it("nor timers, those who wait look themselves", function()
      start(app.CONFIRM, { http = "lua_max_pending_timers 0;" })
      local ids = { book(), book(), book() }
      slow_down(0.3, 3)
      local answers, seconds = confirm_all(ids)
      for index, answer in ipairs(answers) do assert.equal(ids[index], answer.id) end
      assert.is_true(seconds < 0.9)
    end)
  end)

  it("a descriptor that cannot be watched is looked at every now and then", function()
    start(app.CONFIRM, { init = [[
      local core = require "timekit.core"
      local notifier = core.notifier
      function core.notifier()
        local made = notifier()
        return setmetatable({ watch = function() return false end }, { __index = function(_, name)
          return function(_, ...) return made[name](made, ...) end
        end })
      end
    ]] })
    local ids = { book(), book(), book() }
    slow_down(0.3, 3)
    local answers, seconds = confirm_all(ids)
    for index, answer in ipairs(answers) do assert.equal(ids[index], answer.id) end
    assert.is_true(seconds < 0.9)
    assert.matches("%[warn%][^\n]*timekit: looks for answers[^\n]*descriptor", app.running:log())
  end)

  it("a timer that nginx drops is noticed", function()
    start(app.CONFIRM, { http = "lua_max_running_timers 0;" })
    local id = book()
    slow_down(0.2)
    local answers, seconds = confirm_all { id }
    assert.equal("confirmed", answers[1].state)
    assert.is_true(seconds < 0.6)
    -- Each request notices by itself, and polls from then on. A busy machine gets further tries.
    for _ = 1, 5 do
      local began = socket.gettime()
      for _ = 1, 10 do assert.equal("confirmed", get("/confirm?id=" .. book()).state) end
      seconds = socket.gettime() - began
      if seconds < 1.7 then break end
    end
    assert.is_true(seconds < 1.7, seconds .. " s")
  end)

  describe("the notifier's connection", function()
    local CAUGHT = [[
      local core = require "timekit.core"
      local notifier = core.notifier
      caught = {}
      function core.notifier()
        local made, problem = notifier()
        caught[#caught + 1] = made
        return made, problem
      end
    ]]
    local RING = [[
      location = /ring { content_by_lua_block { caught[#caught]:ring() ngx.print(#caught) } }
      location = /cut { content_by_lua_block { caught[#caught]:close() ngx.print(#caught) } }
      location = /made { content_by_lua_block { ngx.print(#caught) } }
    ]]

    it("is made anew when nginx lost it from its pool", function()
      start(app.CONFIRM .. RING, { init = CAUGHT })
      assert.equal("confirmed", get("/confirm?id=" .. book()).state)
      -- nginx closes a pooled connection as soon as it notices bytes on it.
      repeat
        app.running:get("/ring")
        assert.equal("confirmed", get("/confirm?id=" .. book()).state)
      until app.running:get("/made") == "2"
      assert.equal("", app.running:complaints())
    end)

    it("may be lost while calls wait", function()
      start(app.CONFIRM .. RING, { init = CAUGHT })
      local id = book()
      slow_down(0.3)
      local asked = app.running:ask("/confirm?id=" .. id)
      wait_until_under_way(id)
      assert.equal("1", app.running:get("/cut"))
      assert.equal("confirmed", decode(nginx.answer(asked)).state)
      -- The timer goes on without a notifier while it runs; the next timer has a new one.
      repeat assert.equal("confirmed", get("/confirm?id=" .. book()).state) until app.running:get("/made") == "2"
    end)
  end)
end)
