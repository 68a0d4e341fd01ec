-- A real nginx with its Lua module, on LuaJIT: `make LUA=luajit` built what it loads.
local core = require "timekit.core"
local lfs = require "lfs"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local sandbox_server = require "spec.support.sandbox_server"
local socket = require "socket"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"
local tls = require "spec.support.tls"

local KEY = "test_api_key_1"

-- What the locations below use: `act` performs an action on the booking that the query names, `plain` makes an answer
-- of what came of it. `told` is where phases that cannot answer leave word.
local APP = [[
env TIMEKIT_APP_KEY;
env TIMEKIT_BASE_URL;
env TMPDIR;
]]
local INIT = [[
  told = {}
  timekit = require "timekit"
  function plain(booking, info)
    local core = require "timekit.core"
local lfs = require "lfs"
    if booking then
      return core.encode { state = booking.state, id = booking.id, what = booking.what, attempts = info.attempts }
    end
    return core.encode { kind = info.kind, sent = info.sent, message = info.message, attempts = info.attempts }
  end
  function act(id, action)
    return plain(timekit.booking(id or ngx.var.arg_id):action(action or "confirm"))
  end
]]
local CONFIRM = "location = /confirm { content_by_lua_block { ngx.print(act()) } }\n"

local box, tk, running, certificates

local function start(locations, more, environment)
  more = more or {}
  more.main = APP .. (more.main or "")
  more.http = "init_by_lua_block {" .. INIT .. (more.init or "") .. "}\n" .. (more.http or "")
  running = nginx.start(nginx.configuration(locations, more),
    ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s %s"):format(KEY, box.url, environment or ""))
  return running
end

local function book()
  return assert(tk:create_booking {
    graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
  }).id
end

local function decode(body, status)
  assert(status == 200, body)
  return assert(core.decode(body))
end

local function get(path)
  return decode(running:get(path))
end

-- How often each booking was confirmed.
local function confirmed()
  local _, answer = box:call("GET", "/_sandbox/requests")
  local times = {}
  for _, request in ipairs(answer.data) do
    local id = request.target:match("^/v2/bookings/([^/]+)/confirm")
    if id and request.status == 200 then times[id] = (times[id] or 0) + 1 end
  end
  return times
end

-- Confirms take that long to be answered.
local function slow_down(seconds, times)
  local fault = {
    match = "PUT /v2/bookings/*/confirm", what = "stall", when = "after", seconds = seconds, times = times or 1,
  }
  assert.equal(200, (box:call("POST", "/_sandbox/faults", core.encode(fault))))
end

-- The answer to a confirm is not there yet.
local function wait_until_under_way(id)
  repeat until confirmed()[id]
end

-- All at once; the answers in order, and the seconds from the first question to the last answer.
local function confirm_all(ids)
  local began = socket.gettime()
  local asked, answers = {}, {}
  for index, id in ipairs(ids) do asked[index] = running:ask("/confirm?id=" .. id) end
  for index, connection in ipairs(asked) do answers[index] = decode(nginx.answer(connection)) end
  return answers, socket.gettime() - began
end

setup(function()
  box = sandbox_server.start("KEY=" .. KEY)
  tk = timekit.new { app_key = KEY, base_url = box.url }
  certificates = os.tmpname()
  os.remove(certificates)
  assert(lfs.mkdir(certificates))
  tls.write(certificates)
end)

teardown(function()
  tk:close()
  box:close()
  os.execute("rm -r " .. certificates)
end)

after_each(function()
  if running then running:close() end
  running = nil
  box:call("POST", "/_sandbox/reset")
end)

-- A location that goes by TLS, where Lua code runs during the handshake, about the booking `told.id`.
local function tls_server(directive)
  return [[
    location = /try {
      access_by_lua_block { told.id = ngx.var.arg_id }
      proxy_pass https://unix:PREFIX/tls.sock:/;
    }
  ]], { http = ([[
    server {
      listen unix:PREFIX/tls.sock ssl;
      ssl_certificate %s/good.pem;
      ssl_certificate_key %s/good.key;
      %s
      location / { content_by_lua_block { ngx.print(told.late) } }
    }
  ]]):format(certificates, certificates, directive) }
end

describe("in nginx", function()
  describe("an action waits in the phase", function()
    local PHASES = {
      server_rewrite = { http = [[
        server_rewrite_by_lua_block { if ngx.var.arg_early then ngx.print(act()) ngx.exit(200) end }
      ]], path = "/pid?early=1&id=" },
      rewrite = { "rewrite_by_lua_block { ngx.print(act()) ngx.exit(200) }" },
      access = { "access_by_lua_block { ngx.print(act()) ngx.exit(200) }" },
      content = { "content_by_lua_block { ngx.print(act()) }" },
      timer = { [[content_by_lua_block {
        local done = require("ngx.semaphore").new(0)
        local id, answer = ngx.var.arg_id, nil
        assert(ngx.timer.at(0, function() answer = act(id) done:post(1) end))
        assert(done:wait(10))
        ngx.print(answer)
      }]] },
      ssl_cert = { tls = "ssl_certificate_by_lua_block { told.late = act(told.id) }" },
    }
    for name, phase in pairs(PHASES) do
      it(name, function()
        if phase.tls then start(tls_server(phase.tls))
        else start("location = /try { " .. (phase[1] or "") .. " }", { http = phase.http })
        end
        local id = book()
        assert.equal("confirmed", get((phase.path or "/try?id=") .. id).state)
        assert.same({ [id] = 1 }, confirmed())
        assert.equal("", running:complaints())
      end)
    end
  end)

  describe("an action is refused in the phase", function()
    local SHOW = "location = /show { content_by_lua_block { ngx.print(told.late) } }\n"
    local PHASES = {
      init = { http = "", init = "told.late = act('b')" },
      init_worker = { http = "init_worker_by_lua_block { told.late = act('b') }" },
      set = { "set_by_lua_block $told { return act() } content_by_lua_block { ngx.print(ngx.var.told) }" },
      header_filter = { [[
        header_filter_by_lua_block { told.late = act() }
        content_by_lua_block { ngx.print("sent") ngx.flush(true) ngx.print(told.late) }
      ]], skip = "sent" },
      body_filter = { [[
        header_filter_by_lua_block { ngx.header.content_length = nil }
        body_filter_by_lua_block { if not ngx.arg[2] then ngx.arg[1] = act() end }
        content_by_lua_block { ngx.print("replaced") }
      ]] },
      ssl_client_hello = { tls = "ssl_client_hello_by_lua_block { told.late = act('b') }" },
      log = { "log_by_lua_block { told.late = act() } return 200 'logged';", shown = true },
      balancer = { "proxy_pass http://balanced/fast;", shown = true, http = [[
        upstream balanced {
          server 0.0.0.1;
          balancer_by_lua_block {
            told.late = act()
            assert(require("ngx.balancer").set_current_peer("127.0.0.1", ngx.var.server_port))
          }
        }
      ]] },
    }
    for name, phase in pairs(PHASES) do
      it(name, function()
        if phase.tls then start(tls_server(phase.tls))
        else start(SHOW .. "location = /try { " .. (phase[1] or "") .. " }", { http = phase.http, init = phase.init })
        end
        local body = running:get((phase[1] or phase.tls) and "/try?id=b" or "/show")
        if phase.shown then body = running:get("/show") end
        local err = assert(core.decode((body:gsub("^" .. (phase.skip or ""), ""))))
        assert.equal("phase", err.kind)
        assert.equal("no", err.sent)
        assert.equal(0, err.attempts)
        assert.matches("phase " .. name .. ":", err.message, 1, true)
        assert.matches("ngx.timer.at", err.message, 1, true)
        local _, requests = box:call("GET", "/_sandbox/requests")
        assert.same({}, requests.data)
        assert.equal("", running:complaints())
      end)
    end

    it("exit_worker", function()
      start("", { http = "exit_worker_by_lua_block { ngx.log(ngx.WARN, act('b')) }" })
      running:signal("QUIT")
      running:wait()
      assert.matches('"kind":"phase"', running:log(), 1, true)
    end)
  end)

  it("a hundred requests at once wait together, and nobody else does", function()
    start(CONFIRM)
    local best, worst, asked
    -- The figures that were asked for; a machine that is busy with other things gets further tries.
    for _ = 1, 5 do
      box:call("POST", "/_sandbox/reset")
      local ids = {}
      for index = 1, 100 do ids[index] = book() end
      slow_down(0.3, #ids)
      local probe = process.start(("%s spec/support/latency_probe.lua %d /fast"):format(
        this_lua.command, running.port))
      assert.equal("ready", probe.line)
      local answers, seconds = confirm_all(ids)
      probe:say("enough")
      worst, asked = probe:read():match("^(%S+) (%d+)$")
      probe:close()
      for index, id in ipairs(ids) do
        assert.equal("confirmed", answers[index].state)
        assert.equal(id, answers[index].id)
      end
      local times = confirmed()
      for _, id in ipairs(ids) do assert.equal(1, times[id]) end
      best = seconds
      if seconds < 0.6 and tonumber(worst) < 20 then break end
    end
    assert.is_true(best < 0.6, best .. " s")
    assert.is_true(tonumber(worst) < 20, worst .. " ms")
    assert.is_true(tonumber(asked) > 20)
    assert.equal("", running:complaints())
  end)

  it("keeps connections for all requests of the worker", function()
    start([[
      location /v2/ { content_by_lua_block {
        ngx.req.read_body()
        ngx.print('{"data":{"id":"b","graph":"confirm_decline","state":"confirmed","what":"', ngx.var.connection, '"}}')
      } }
      location = /here { content_by_lua_block {
        here = here or timekit.new { base_url = "http://127.0.0.1:" .. ngx.var.server_port .. "/v2" }
        ngx.print(plain(here:booking("b"):action("confirm")))
      } }
    ]], { init = "here = false" })
    local first = get("/here").what
    assert.matches("^%d+$", first)
    for _ = 1, 10 do assert.equal(first, get("/here").what) end
  end)

  it("resumes TLS sessions", function()
    start([[
      location = /here { content_by_lua_block {
        here = here or timekit.new {
          base_url = "https://127.0.0.1:" .. ngx.var.arg_port .. "/v2", ca_file = "]] .. certificates .. [[/ca.pem",
        }
        ngx.print(plain(here:booking("b"):action("confirm")))
      } }
      location = /at_once { content_by_lua_block {
        local items, words = {}, {}
        for index = 1, 6 do items[index] = { "b", "confirm" } end
        for index, result in ipairs(here:batch(items)) do words[index] = assert(result[1], result[2]).what end
        table.sort(words)
        ngx.print('{"words":"', table.concat(words, " "), '"}')
      } }
    ]], { init = "here = false", http = ([[
      server {
        listen 127.0.0.1:8443 ssl;
        ssl_certificate %s/good.pem;
        ssl_certificate_key %s/good.key;
        keepalive_requests 2;
        ssl_session_cache shared:sessions:1m;
        location / { content_by_lua_block {
          ngx.req.read_body()
          ngx.print('{"data":{"id":"b","graph":"confirm_decline","state":"confirmed","what":"',
            ngx.var.connection_requests, ngx.var.ssl_session_reused, '"}}')
        } }
      }
    ]]):format(certificates, certificates) })
    local seen = {}
    for index = 1, 4 do seen[index] = get("/here?port=" .. running.tls_port).what end
    -- The second connection takes up the first one's session.
    assert.same({ "1.", "2.", "1r", "2r" }, seen)
    -- So do all that are made at the same time.
    assert.equal("1r 1r 1r 1r 1r 1r", get("/at_once").words)
  end)

  it("has one helper thread in a worker, and nothing that stays", function()
    start(CONFIRM .. [[
      location = /other { content_by_lua_block {
        other = other or timekit.new {}
        ngx.print(plain(other:booking(ngx.var.arg_id):action("confirm")))
      } }
      location = /state { content_by_lua_block {
        local function count(what)
          local pipe = io.popen("ls /proc/" .. ngx.worker.pid() .. "/" .. what .. " | wc -l")
          local number = tonumber(pipe:read("*a"))
          pipe:close()
          return number
        end
        ngx.print(require("timekit.core").encode {
          threads = count("task"), descriptors = count("fd"), notifiers = made,
          timers = ngx.timer.running_count() + ngx.timer.pending_count(),
        })
      } }
    ]], { init = [[
      other, made = false, 0
      local core = require "timekit.core"
      local notifier = core.notifier
      function core.notifier() made = made + 1 return notifier() end
    ]] })
    local function call_some()
      for _ = 1, 5 do
        assert.equal("confirmed", get("/confirm?id=" .. book()).state)
        assert.equal("confirmed", get("/other?id=" .. book()).state)
      end
    end
    assert.equal(1, get("/state").threads)
    call_some()
    local state = get("/state")
    assert.equal(2, state.threads)
    assert.equal(0, state.timers)
    call_some()
    local later = get("/state")
    assert.equal(2, later.threads)
    assert.equal(0, later.timers)
    assert.equal(1, later.notifiers)
    -- Ten calls would leave ten, if any; nginx may be about to close a request's.
    assert.is_true(later.descriptors < state.descriptors + 5)
  end)

  it("moves the calls of several clients", function()
    start(CONFIRM .. [[
      location = /other { content_by_lua_block { ngx.print(plain(other:booking(ngx.var.arg_id):action("confirm"))) } }
    ]], { init = "other = timekit.new {}" })
    local id = book()
    slow_down(1)
    local asked = running:ask("/confirm?id=" .. id)
    wait_until_under_way(id)
    local began = socket.gettime()
    for _ = 1, 10 do assert.equal("confirmed", get("/other?id=" .. book()).state) end
    assert.is_true(socket.gettime() - began < 0.8)
    assert.equal("confirmed", decode(nginx.answer(asked)).state)
  end)

  it("takes a client that was made in init_by_lua to every worker", function()
    start([[
      location = /ours { content_by_lua_block {
        local answer = plain(ours:booking(ngx.var.arg_id):action("confirm"))
        ngx.print((answer:gsub("}$", ',"worker":' .. ngx.worker.pid() .. "}")))
      } }
    ]], {
      init = "ours = timekit.new {}", workers = 2, main = "worker_cpu_affinity auto;",
    })
    local workers, count = {}, 0
    for _ = 1, 500 do
      local connections = { running:ask("/ours?id=" .. book()), running:ask("/ours?id=" .. book()) }
      for _, connection in ipairs(connections) do
        local answer = decode(nginx.answer(connection))
        assert.equal("confirmed", answer.state)
        if not workers[answer.worker] then count = count + 1 end
        workers[answer.worker] = true
      end
      if count == 2 then break end
    end
    assert.equal(2, count)
    assert.equal("", running:complaints())
  end)

  describe("a call that is under way has its outcome, and the worker ends soon after,", function()
    local TWICE = [[
      location = /twice { content_by_lua_block { ngx.print("[", act(), ",", act(nil, "decline"), "]") } }
    ]]

    -- Seconds from the answer to the end of the process that gave it.
    local function until_gone(pid)
      local began = socket.gettime()
      repeat
        local status = io.open("/proc/" .. pid .. "/stat")
        local state = status and (status:read("*a") or ""):match("%) (%a)")
        if status then status:close() end
      until not state or state == "Z"
      return socket.gettime() - began
    end

    it("when nginx quits", function()
      start(CONFIRM)
      local id = book()
      slow_down(0.5)
      local asked = running:ask("/confirm?id=" .. id)
      wait_until_under_way(id)
      running:signal("QUIT")
      assert.equal("confirmed", decode(nginx.answer(asked)).state)
      local began = socket.gettime()
      running:wait()
      assert.is_true(socket.gettime() - began < 1)
      assert.same({ [id] = 1 }, confirmed())
      assert.equal("", running:complaints())
    end)

    it("also one that starts while nginx quits", function()
      start(TWICE)
      local id = book()
      slow_down(0.5)
      local asked = running:ask("/twice?id=" .. id)
      wait_until_under_way(id)
      running:signal("QUIT")
      local answers = decode(nginx.answer(asked))
      assert.equal("confirmed", answers[1].state)
      assert.equal("transition", answers[2].kind)
      local began = socket.gettime()
      running:wait()
      assert.is_true(socket.gettime() - began < 1)
    end)

    it("when nginx reloads", function()
      start(CONFIRM)
      local before = running:get("/pid")
      local id, next_id = book(), book()
      slow_down(0.5)
      local asked = running:ask("/confirm?id=" .. id)
      wait_until_under_way(id)
      running:signal("HUP")
      repeat until running:get("/pid") ~= before
      assert.equal("confirmed", get("/confirm?id=" .. next_id).state)
      assert.equal("confirmed", decode(nginx.answer(asked)).state)
      assert.is_true(until_gone(before) < 1)
      assert.same({ [id] = 1, [next_id] = 1 }, confirmed())
      assert.equal("", running:complaints())
    end)

    it("and an idle worker at once", function()
      start(CONFIRM)
      get("/confirm?id=" .. book())
      running:signal("QUIT")
      local began = socket.gettime()
      running:wait()
      assert.is_true(socket.gettime() - began < 1)
    end)
  end)

  describe("an error in the pump fails the calls that wait, and the next call works:", function()
    local OWN = [[
      location = /own { content_by_lua_block {
        ngx.print(plain(own:booking(ngx.var.arg_id):action("confirm", nil, { timeout = 10 })))
      } }
      location = /break { content_by_lua_block { break_it() } }
    ]] .. CONFIRM

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
      local asked = { running:ask("/own?id=" .. ids[1]), running:ask("/own?id=" .. ids[2]) }
      local other = running:ask("/confirm?id=" .. ids[3])
      for _, id in ipairs(ids) do wait_until_under_way(id) end
      running:get("/break")
      for _, connection in ipairs(asked) do
        local err = decode(nginx.answer(connection))
        assert.equal("cancelled", err.kind)
        assert.equal("maybe", err.sent)
      end
      -- Another client's pump is not to blame.
      assert.equal("confirmed", decode(nginx.answer(other)).state)
      assert.matches("%[error%].*timekit: .*injected", running:complaints())
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
      running:get("/break")
      local id = book()
      slow_down(0.3)
      assert.equal("cancelled", get("/own?id=" .. id).kind)
      assert.matches("%[error%].*timekit: .*injected", running:complaints())
      assert.equal("confirmed", get("/own?id=" .. book()).state)
    end)
  end)

  describe("without a notifier", function()
    it("the timer looks every now and then", function()
      start(CONFIRM .. [[
        location = /timers { content_by_lua_block { ngx.print(ngx.timer.running_count()) } }
      ]], nil, "TMPDIR=/nowhere")
      local ids = {}
      for index = 1, 20 do ids[index] = book() end
      slow_down(0.3, #ids)
      local answers, seconds = confirm_all(ids)
      for index, answer in ipairs(answers) do assert.equal(ids[index], answer.id) end
      assert.is_true(seconds < 1)
      repeat until running:get("/timers") == "0"
      assert.equal("confirmed", get("/confirm?id=" .. book()).state)
      assert.equal(1, select(2, running:log():gsub("%[warn%][^\n]*timekit: looks for answers", "")))
    end)

    it("nor timers, those who wait look themselves", function()
      start(CONFIRM, { http = "lua_max_pending_timers 0;" })
      local ids = { book(), book(), book() }
      slow_down(0.3, 3)
      local answers, seconds = confirm_all(ids)
      for index, answer in ipairs(answers) do assert.equal(ids[index], answer.id) end
      assert.is_true(seconds < 0.9)
    end)
  end)

  it("a descriptor that cannot be watched is looked at every now and then", function()
    start(CONFIRM, { init = [[
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
    assert.matches("%[warn%][^\n]*timekit: looks for answers[^\n]*descriptor", running:log())
  end)

  it("a client that is closed while calls wait ends them, and the worker can end", function()
    start([[
      location = /own { content_by_lua_block { ngx.print(plain(own:booking(ngx.var.arg_id):action("confirm"))) } }
      location = /close { content_by_lua_block { own:close() } }
    ]], { init = "own = timekit.new {}" })
    local id = book()
    slow_down(5)
    local asked = running:ask("/own?id=" .. id)
    wait_until_under_way(id)
    local began = socket.gettime()
    running:get("/close")
    assert.equal("cancelled", decode(nginx.answer(asked)).kind)
    running:signal("QUIT")
    running:wait()
    assert.is_true(socket.gettime() - began < 2)
  end)

  it("waits for as long as it was told", function()
    -- The pump as the runtime sees it, and no more.
    start([[
      location = /wait { content_by_lua_block {
        local core = require "timekit.core"
        local connection = require("timekit.transport.core"):connect {
          base_url = os.getenv "TIMEKIT_BASE_URL", username = "", password = os.getenv "TIMEKIT_APP_KEY",
          headers = {}, user_agent = "x", connect_timeout = 5, max_response = 100000,
        }
        local wakes = {}
        local pump = {
          fd = function() return connection:fd() end,
          timeout = function() return connection:timeout() end,
          step = function()
            connection:step()
            for transfer, wake in pairs(wakes) do
              if transfer:done() then wakes[transfer] = nil wake() end
            end
          end,
          on_done = function(_, transfer, wake) wakes[transfer] = wake end,
          forget = function(_, transfer) wakes[transfer] = nil end,
        }
        local runtime = require "timekit.runtime.ngx"
        local transfer = connection:start {
          method = "PUT", target = "/bookings/" .. ngx.var.arg_id .. "/confirm", body = "{}", timeout = 10,
        }
        local began = runtime.now()
        runtime.wait(pump, transfer, 0.1)
        local first, was_done, is_known = runtime.now() - began, transfer:done(), next(wakes) ~= nil
        -- The answer comes while nobody waits for it.
        ngx.sleep(0.6)
        runtime.wait(pump, transfer, 5)
        ngx.print(core.encode {
          first = first, was_done = was_done, is_known = is_known, made = made,
          both = runtime.now() - began, status = transfer:result().status,
        })
      } }
    ]], { init = [[
      made = 0
      local core = require "timekit.core"
      local notifier = core.notifier
      function core.notifier() made = made + 1 return notifier() end
    ]] })
    slow_down(0.4)
    local answer = get("/wait?id=" .. book())
    assert.is_true(answer.first >= 0.1 and answer.first < 0.3)
    assert.is_false(answer.was_done)
    assert.is_false(answer.is_known)
    assert.equal(200, answer.status)
    assert.is_true(answer.both < 0.9)
    assert.equal(1, answer.made)
    running:signal("QUIT")
    local began = socket.gettime()
    running:wait()
    assert.is_true(socket.gettime() - began < 1)
  end)

  it("a timer that nginx drops is noticed", function()
    start(CONFIRM, { http = "lua_max_running_timers 0;" })
    local id = book()
    slow_down(0.2)
    local answers, seconds = confirm_all { id }
    assert.equal("confirmed", answers[1].state)
    assert.is_true(seconds < 0.6)
    -- Each has noticed for itself, and has looked often from then on.
    local began = socket.gettime()
    for _ = 1, 10 do assert.equal("confirmed", get("/confirm?id=" .. book()).state) end
    assert.is_true(socket.gettime() - began < 1.7)
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
      start(CONFIRM .. RING, { init = CAUGHT })
      assert.equal("confirmed", get("/confirm?id=" .. book()).state)
      -- nginx closes a connection in its pool that says something, as soon as it notices.
      repeat
        running:get("/ring")
        assert.equal("confirmed", get("/confirm?id=" .. book()).state)
      until running:get("/made") == "2"
      assert.equal("", running:complaints())
    end)

    it("may be lost while calls wait", function()
      start(CONFIRM .. RING, { init = CAUGHT })
      local id = book()
      slow_down(0.3)
      local asked = running:ask("/confirm?id=" .. id)
      wait_until_under_way(id)
      assert.equal("1", running:get("/cut"))
      assert.equal("confirmed", decode(nginx.answer(asked)).state)
      -- The timer goes on without for as long as it runs; the next one has a new notifier.
      repeat assert.equal("confirmed", get("/confirm?id=" .. book()).state) until running:get("/made") == "2"
    end)
  end)

  it("waits between tries without holding up others", function()
    start([[
      location = /retry { content_by_lua_block { ngx.print(act()) } }
    ]])
    local id = book()
    local fault = {
      match = "PUT /v2/bookings/*/confirm", what = "status", status = 503, headers = { ["Retry-After"] = 1 },
    }
    assert.equal(200, (box:call("POST", "/_sandbox/faults", core.encode(fault))))
    local asked = running:ask("/retry?id=" .. id)
    local others = 0
    while not socket.select({ asked }, nil, 0)[asked] do
      assert.equal("fast", running:get("/fast"))
      others = others + 1
    end
    local answer = decode(nginx.answer(asked))
    assert.equal("confirmed", answer.state)
    assert.equal(2, answer.attempts)
    assert.is_true(others > 10)
  end)

  it("keeps a call's timeout", function()
    start([[
      location = /short { content_by_lua_block {
        local began = require("timekit.core").now()
        local _, err = timekit.booking(ngx.var.arg_id):action("confirm", nil, { timeout = 0.2 })
        ngx.print(require("timekit.core").encode { kind = err.kind, elapsed = require("timekit.core").now() - began })
      } }
    ]])
    slow_down(5)
    local answer = get("/short?id=" .. book())
    assert.equal("uncertain", answer.kind)
    assert.is_true(answer.elapsed < 0.7)
  end)

  it("serves calls of light threads and coroutines each with its own answer", function()
    start([[
      location = /many { content_by_lua_block {
        local threads = {}
        for id in ngx.var.arg_ids:gmatch("[^,]+") do
          threads[#threads + 1] = ngx.thread.spawn(function() return coroutine.wrap(act)(id) end)
        end
        local answers = {}
        for index, thread in ipairs(threads) do
          local _, answer = ngx.thread.wait(thread)
          answers[index] = answer
        end
        ngx.print("[", table.concat(answers, ","), "]")
      } }
    ]])
    local ids = {}
    for index = 1, 10 do ids[index] = book() end
    for index, answer in ipairs(get("/many?ids=" .. table.concat(ids, ","))) do assert.equal(ids[index], answer.id) end
  end)

  it("performs batches, of which only the caller waits", function()
    start([[
      location = /batch { content_by_lua_block {
        local items = {}
        for id in ngx.var.arg_ids:gmatch("[^,]+") do items[#items + 1] = { id, "confirm" } end
        local tk = timekit.new {}
        local outcome = assert(tk:batch(items, { concurrency = 5 }))
        ngx.print(outcome.done, " ", outcome.failed)
      } }
    ]])
    local ids = {}
    for index = 1, 10 do ids[index] = book() end
    slow_down(0.2, 10)
    local asked = running:ask("/batch?ids=" .. table.concat(ids, ","))
    local others = 0
    while not socket.select({ asked }, nil, 0)[asked] do
      assert.equal("fast", running:get("/fast"))
      others = others + 1
    end
    assert.equal("10 0", (nginx.answer(asked)))
    assert.is_true(others > 10)
    local times = confirmed()
    for _, id in ipairs(ids) do assert.equal(1, times[id]) end
  end)

  it("a client that is closed ends the pause between two tries", function()
    start([[
      location = /own { content_by_lua_block { ngx.print(plain(own:booking(ngx.var.arg_id):action("confirm"))) } }
      location = /close { content_by_lua_block { own:close() } }
    ]], { init = "own = timekit.new {}" })
    local fault = {
      match = "PUT /v2/bookings/*/confirm", what = "status", status = 503, headers = { ["Retry-After"] = 10 },
    }
    assert.equal(200, (box:call("POST", "/_sandbox/faults", core.encode(fault))))
    local began = socket.gettime()
    local asked = running:ask("/own?id=" .. book())
    repeat
      local _, requests = box:call("GET", "/_sandbox/requests")
    until requests.data[2]
    running:get("/close")
    assert.is_nil(decode(nginx.answer(asked)).state)
    assert.is_true(socket.gettime() - began < 5)
  end)

  it("survives requests that end before their calls do", function()
    start([[
      location = /killed { content_by_lua_block {
        local thread = ngx.thread.spawn(function() act() end)
        ngx.thread.spawn(function() act(ngx.var.arg_other) end)
        ngx.sleep(0.05)
        ngx.thread.kill(thread)
        ngx.print("[]")
        ngx.exit(200)
      } }
    ]] .. CONFIRM)
    local ids = { book(), book() }
    slow_down(0.3, 2)
    get(("/killed?id=%s&other=%s"):format(ids[1], ids[2]))
    assert.equal("confirmed", get("/confirm?id=" .. book()).state)
    assert.equal(1, confirmed()[ids[1]])
    assert.equal(1, confirmed()[ids[2]])
    running:signal("QUIT")
    local began = socket.gettime()
    running:wait()
    assert.is_true(socket.gettime() - began < 1)
    assert.equal("", running:complaints())
  end)

  it("works with a client for each request, and without the code cache", function()
    start([[
      location = /new { content_by_lua_block {
        local timekit = require "timekit"
        local core = require "timekit.core"
        local tk = timekit.new {}
        local booking, err = tk:booking(ngx.var.arg_id):action("confirm")
        ngx.print(core.encode { state = booking and booking.state or tostring(err) })
        tk:close()
      } }
    ]], { http = "lua_code_cache off;" })
    for _ = 1, 5 do assert.equal("confirmed", get("/new?id=" .. book()).state) end
  end)

  it("takes a sandbox in the process", function()
    start([[
      location = /inside { content_by_lua_block {
        local box = timekit.sandbox.new()
        local tk = timekit.new { transport = box }
        local id = tk:create_booking({
          graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
        }).id
        box:fault { match = "PUT /v2/bookings/*/confirm", what = "stall", when = "after", seconds = 5 }
        ngx.print(plain(tk:booking(id):action("confirm")))
      } }
    ]])
    assert.equal("confirmed", get("/inside").state)
  end)
end)

describe("spec/examples/nginx.conf", function()
  it("confirms a booking", function()
    local file = assert(io.open("spec/examples/nginx.conf"))
    local text = file:read("*a")
    file:close()
    running = nginx.start(text, ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s"):format(KEY, box.url))
    local id = book()
    local body, status = running:get("/confirm?id=" .. id)
    assert.same({ "confirmed\n", 200 }, { body, status })
    body, status = running:get("/confirm?id=" .. id)
    assert.same({ "transition\n", 409 }, { body, status })
    assert.same({ [id] = 1 }, confirmed())
  end)
end)
