-- What clients keep in a worker of nginx, and how a worker ends while calls are under way.
local app = require "spec.support.nginx_app"
local nginx = require "spec.support.nginx"
local socket = require "socket"

local start, book, decode = app.start, app.book, app.decode
local get, confirmed, slow_down, wait_until_under_way = app.get, app.confirmed, app.slow_down, app.wait_until_under_way

setup(app.open)
teardown(app.close)
after_each(app.stop)

describe("in nginx", function()
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
          base_url = "https://127.0.0.1:" .. ngx.var.arg_port .. "/v2", ca_file = "]] .. app.certificates .. [[/ca.pem",
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
    ]]):format(app.certificates, app.certificates) })
    local seen = {}
    for index = 1, 4 do seen[index] = get("/here?port=" .. app.running.tls_port).what end
    -- The second connection takes up the first one's session.
    assert.same({ "1.", "2.", "1r", "2r" }, seen)
    -- So do those that are made at the same time. libcurl from 8.12 on takes up a session of TLS 1.3 only once, and
    -- nginx offers two with each connection.
    assert.matches("^1[r.] 1[r.] 1[r.] 1[r.] 1r 1r$", get("/at_once").words)
  end)

  it("has one helper thread in a worker, and nothing that stays", function()
    start(app.CONFIRM .. [[
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
    -- A leak would leave ten. nginx may be about to close a request's own.
    assert.is_true(later.descriptors < state.descriptors + 5)
  end)

  it("moves the calls of several clients", function()
    start(app.CONFIRM .. [[
      location = /other { content_by_lua_block { ngx.print(plain(other:booking(ngx.var.arg_id):action("confirm"))) } }
    ]], { init = "other = timekit.new {}" })
    local id = book()
    slow_down(1)
    local asked = app.running:ask("/confirm?id=" .. id)
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
      local connections = { app.running:ask("/ours?id=" .. book()), app.running:ask("/ours?id=" .. book()) }
      for _, connection in ipairs(connections) do
        local answer = decode(nginx.answer(connection))
        assert.equal("confirmed", answer.state)
        if not workers[answer.worker] then count = count + 1 end
        workers[answer.worker] = true
      end
      if count == 2 then break end
    end
    assert.equal(2, count)
    assert.equal("", app.running:complaints())
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
      start(app.CONFIRM)
      local id = book()
      slow_down(0.5)
      local asked = app.running:ask("/confirm?id=" .. id)
      wait_until_under_way(id)
      app.running:signal("QUIT")
      assert.equal("confirmed", decode(nginx.answer(asked)).state)
      local began = socket.gettime()
      app.running:wait()
      assert.is_true(socket.gettime() - began < 1)
      assert.same({ [id] = 1 }, confirmed())
      assert.equal("", app.running:complaints())
    end)

    it("also one that starts while nginx quits", function()
      start(TWICE)
      local id = book()
      slow_down(0.5)
      local asked = app.running:ask("/twice?id=" .. id)
      wait_until_under_way(id)
      app.running:signal("QUIT")
      local answers = decode(nginx.answer(asked))
      assert.equal("confirmed", answers[1].state)
      assert.equal("transition", answers[2].kind)
      local began = socket.gettime()
      app.running:wait()
      assert.is_true(socket.gettime() - began < 1)
    end)

    it("when nginx reloads", function()
      start(app.CONFIRM)
      local before = app.running:get("/pid")
      local id, next_id = book(), book()
      slow_down(0.5)
      local asked = app.running:ask("/confirm?id=" .. id)
      wait_until_under_way(id)
      app.running:signal("HUP")
      repeat until app.running:get("/pid") ~= before
      assert.equal("confirmed", get("/confirm?id=" .. next_id).state)
      assert.equal("confirmed", decode(nginx.answer(asked)).state)
      assert.is_true(until_gone(before) < 1)
      assert.same({ [id] = 1, [next_id] = 1 }, confirmed())
      assert.equal("", app.running:complaints())
    end)

    it("and an idle worker at once", function()
      start(app.CONFIRM)
      get("/confirm?id=" .. book())
      app.running:signal("QUIT")
      local began = socket.gettime()
      app.running:wait()
      assert.is_true(socket.gettime() - began < 1)
    end)
  end)

  it("a client that is closed while calls wait ends them, and the worker can end", function()
    start([[
      location = /own { content_by_lua_block { ngx.print(plain(own:booking(ngx.var.arg_id):action("confirm"))) } }
      location = /close { content_by_lua_block { own:close() } }
    ]], { init = "own = timekit.new {}" })
    local id = book()
    slow_down(5)
    local asked = app.running:ask("/own?id=" .. id)
    wait_until_under_way(id)
    local began = socket.gettime()
    app.running:get("/close")
    assert.equal("cancelled", decode(nginx.answer(asked)).kind)
    app.running:signal("QUIT")
    app.running:wait()
    assert.is_true(socket.gettime() - began < 2)
  end)

  it("a client that is closed ends the pause between two tries", function()
    start([[
      location = /own { content_by_lua_block { ngx.print(plain(own:booking(ngx.var.arg_id):action("confirm"))) } }
      location = /close { content_by_lua_block { own:close() } }
    ]], { init = "own = timekit.new {}" })
    local fault = {
      match = "PUT /v2/bookings/*/confirm", what = "status", status = 503, headers = { ["Retry-After"] = 10 },
    }
    app.fault(fault)
    local began = socket.gettime()
    local asked = app.running:ask("/own?id=" .. book())
    repeat
      local _, requests = app.box:request("GET", "/_sandbox/requests")
    until requests.data[2]
    app.running:get("/close")
    assert.is_nil(decode(nginx.answer(asked)).state)
    assert.is_true(socket.gettime() - began < 5)
  end)

  it("survives requests that end before their calls do", function()
    start([[
      location = /killed { content_by_lua_block {
        local thread = ngx.thread.spawn(function() act() end)
        ngx.thread.spawn(function() act(ngx.var.arg_other) end)
        repeat ngx.sleep(0.001) until told.go
        ngx.thread.kill(thread)
        ngx.print("[]")
        ngx.exit(200)
      } }
      location = /go { content_by_lua_block { told.go = true } }
    ]] .. app.CONFIRM)
    local ids = { book(), book() }
    slow_down(0.5, 2)
    local asked = app.running:ask(("/killed?id=%s&other=%s"):format(ids[1], ids[2]))
    for _, id in ipairs(ids) do wait_until_under_way(id) end
    app.running:get("/go")
    assert.equal("[]", (nginx.answer(asked)))
    assert.equal("confirmed", get("/confirm?id=" .. book()).state)
    assert.equal(1, confirmed()[ids[1]])
    assert.equal(1, confirmed()[ids[2]])
    app.running:signal("QUIT")
    local began = socket.gettime()
    app.running:wait()
    assert.is_true(socket.gettime() - began < 1)
    assert.equal("", app.running:complaints())
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
end)
