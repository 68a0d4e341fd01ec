local collect = require "spec.support.collect"
local core = require "timekit.core"
local faults = require "spec.support.faults"
local socket = require "socket"

-- The engine against a server of our own, over real sockets.
describe("the engine", function()
  local server, engine

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  before_each(function() engine = core.engine { base_url = server.url.http } end)
  after_each(function() engine:close() end)

  local function new_engine(extra)
    local options = { base_url = server.url.http }
    for key, value in pairs(extra) do options[key] = value end
    return core.engine(options)
  end

  local function seen_request(id)
    local seen = server:seen(id)
    assert.equal(1, seen.complete)
    return seen.requests[1]
  end

  describe("reports", function()
    it("a complete answer", function()
      local id = server:plan { status = 201, body = "{\"a\":1}" }
      local result = faults.call(engine, id)
      assert.equal("ok", result.reason)
      assert.equal(0, result.code)
      assert.equal("", result.text)
      assert.equal(201, result.status)
      assert.equal("{\"a\":1}", result.body)
      assert.equal("yes", result.sent)
      assert.equal("1.1", result.http_version)
      assert.is_false(result.reused)
      assert.equal(0, result.restarts)
    end)

    it("any status as an answer", function()
      for _, status in ipairs { 200, 204, 304, 400, 401, 404, 417, 422, 429, 500, 503 } do
        local result = faults.call(engine, server:plan { status = status })
        assert.equal("ok", result.reason)
        assert.equal(status, result.status)
        assert.equal(status == 204 or status == 304, result.body == "")
      end
    end)

    it("headers by lower-case name, duplicates joined in order", function()
      local id = server:plan { headers = {
        { "X-Mixed-CASE", "Value Kept" }, { "X-Twice", "one" }, { "x-twice", "two" }, { "X-Empty", "" },
        { "X-Colon", "a:b" }, { "X-Space", "  around  " },
      } }
      local headers = faults.call(engine, id).headers
      assert.equal("Value Kept", headers["x-mixed-case"])
      assert.is_nil(headers["X-Mixed-CASE"])
      assert.equal("one, two", headers["x-twice"])
      assert.equal("", headers["x-empty"])
      assert.equal("a:b", headers["x-colon"])
      assert.equal("around", headers["x-space"])
      assert.equal("application/json", headers["content-type"])
    end)

    it("the final answer's headers only, after interim answers", function()
      local result = faults.call(engine, server:plan { act = "informational", count = 3 })
      assert.equal("ok", result.reason)
      assert.equal(200, result.status)
      assert.is_nil(result.headers["x-count"])
    end)

    it("bodies whatever their framing: empty, chunked, gzip, large, any bytes", function()
      local all_bytes = {}
      for i = 0, 127 do all_bytes[i + 1] = string.char(i) end
      all_bytes = table.concat(all_bytes)
      local steps = {
        { body = "" }, { body = "", chunked = true }, { body = all_bytes }, { body = "{}", chunked = true },
        { body = ("long "):rep(5000), gzip = true }, { body = "{}", gzip = true, chunked = true },
        { body = ("x"):rep(3000000) },
      }
      for _, step in ipairs(steps) do
        local result = faults.call(engine, server:plan(step))
        assert.equal("ok", result.reason)
        assert.is_true(step.body == result.body)
      end
    end)

    it("times in seconds, in the order of the stages", function()
      local result = faults.call(engine, server:plan { seconds = 0.05 })
      local times = result.times
      for _, name in ipairs { "name_lookup", "connect", "tls", "first_byte", "total" } do
        assert.is_number(times[name], name)
        assert.is_true(times[name] >= 0, name)
      end
      assert.is_true(times.name_lookup <= times.connect)
      assert.is_true(times.connect <= times.first_byte)
      assert.is_true(times.first_byte >= 0.05)
      assert.is_true(times.first_byte <= times.total)
      assert.is_true(times.total < 20)
      assert.equal(0, times.tls)
    end)

    it("nothing while in flight, then always the same table", function()
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { seconds = 0.05 } }
      assert.is_false(transfer:done())
      assert.is_nil(transfer:result())
      local result = faults.finish(engine, transfer)
      assert.is_true(transfer:done())
      assert.equal(result, transfer:result())
    end)

    it("a refused connection: nothing was sent", function()
      local alone = new_engine { base_url = server.url.closed }
      local result = faults.call(alone, "x")
      assert.equal("curl", result.reason)
      assert.equal(7, result.code)
      assert.equal("no", result.sent)
      assert.is_nil(result.status)
      assert.is_nil(result.body)
      assert.truthy(result.text:find("connect", 1, true))
      alone:close()
    end)
  end)

  describe("sends", function()
    it("every method, with a body and without", function()
      for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
        for _, body in ipairs { false, "", "{\"a\":1}" } do
          if not (method == "GET" and body) then
            local id = server:plan()
            local transfer = engine:start { method = method, target = "/f/" .. id, body = body or nil }
            local result = faults.finish(engine, transfer)
            assert.equal("ok", result.reason)
            local request = seen_request(id)
            assert.equal(method, request.method)
            assert.equal(body or "", request.body)
          end
        end
      end
    end)

    it("the target as it stands, below the base URL's path", function()
      local below = new_engine { base_url = server.url.http .. "/v2" }
      local id = server:plan()
      local target = "/f/" .. id .. "/%2e%2e/a%2Fb/../c?x=%20&y[]=1&z=a+b"
      local result = faults.finish(below, below:start { method = "GET", target = target })
      assert.equal("ok", result.reason)
      assert.equal("/v2" .. target, seen_request(id).target)
      below:close()
    end)

    it("a body with any bytes, and a large one, without waiting for a 100", function()
      local bodies = { "\0\1\r\n\r\n\127", ("x"):rep(2000000) }
      for _, body in ipairs(bodies) do
        local id = server:plan()
        assert.equal("ok", faults.call(engine, id, { body = body }).reason)
        local request = seen_request(id)
        assert.is_true(body == request.body)
        assert.is_nil(request.headers.expect)
        assert.equal(("%d"):format(#body), request.headers["content-length"])
      end
    end)

    it("the headers of the engine and of the request, and nothing it was not told to", function()
      local both = new_engine { headers = { ["Timekit-App"] = "app" }, user_agent = "timekit/1 (spec)" }
      local id = server:plan()
      faults.call(both, id, { headers = { ["Content-Type"] = "application/json", ["X-One"] = "1" } })
      local headers = seen_request(id).headers
      assert.equal("app", headers["timekit-app"])
      assert.equal("1", headers["x-one"])
      assert.equal("application/json", headers["content-type"])
      assert.equal("timekit/1 (spec)", headers["user-agent"])
      assert.is_nil(headers.authorization)
      assert.is_nil(headers.cookie)
      assert.is_nil(headers.expect)
      id = server:plan()
      faults.call(both, id)
      headers = seen_request(id).headers
      assert.equal("app", headers["timekit-app"])
      assert.is_nil(headers["x-one"])
      both:close()
    end)

    it("Basic authorization with every request", function()
      local cases = {
        { "", "test_api_key", "OnRlc3RfYXBpX2tleQ==" }, { "u", "p", "dTpw" }, { "us", "p", "dXM6cA==" },
        { "me@example.com", "p:ss w\195\182rd", "bWVAZXhhbXBsZS5jb206cDpzcyB3w7ZyZA==" },
      }
      for _, case in ipairs(cases) do
        local known = new_engine { username = case[1], password = case[2] }
        for _ = 1, 2 do
          local id = server:plan()
          faults.call(known, id)
          assert.equal("Basic " .. case[3], seen_request(id).headers.authorization)
        end
        known:close()
      end
    end)

    it("no cookie that a server set", function()
      faults.call(engine, server:plan { headers = { { "Set-Cookie", "a=b; Path=/" } } })
      local id = server:plan()
      assert.is_true(faults.call(engine, id).reused)
      assert.is_nil(seen_request(id).headers.cookie)
    end)

    it("over a kept connection", function()
      assert.is_false(faults.call(engine, server:plan()).reused)
      for nth = 2, 4 do
        local id = server:plan()
        assert.is_true(faults.call(engine, id).reused)
        assert.equal(nth, seen_request(id).nth)
      end
    end)
  end)

  describe("with many at once", function()
    for _, http2 in ipairs { false, true } do
      it("mixes none up" .. (http2 and ", over HTTP/2" or ""), function()
        local crowd = core.engine {
          base_url = http2 and server.url.tls or server.url.http, ca_file = server.ca_file, http2 = http2,
        }
        local transfers = {}
        for i = 1, 60 do
          -- The later ones answer earlier.
          local id = server:plan { seconds = (60 - i) / 500, headers = { { "X-Number", i } } }
          local body = ("x"):rep(i)
          transfers[i] = {
            id = id, crowd:start { method = "PUT", target = "/f/" .. id, body = body, timeout = 30 },
          }
        end
        assert.equal(60, crowd:pending())
        for i, transfer in ipairs(transfers) do
          local result = faults.finish(crowd, transfer[1])
          assert.equal("ok", result.reason)
          assert.equal(("%d"):format(i), result.headers["x-number"])
          assert.truthy(result.body:find(("\"id\":\"%s\""):format(transfer.id), 1, true))
          assert.truthy(result.body:find(("\"length\":%d[,}]"):format(i)))
        end
        assert.equal(0, crowd:pending())
        crowd:close()
      end)
    end

    it("lets one fail without the others", function()
      local bad = engine:start { method = "PUT", target = "/f/" .. server:plan { act = "reset" }, body = "{}" }
      local good = engine:start { method = "PUT", target = "/f/" .. server:plan { seconds = 0.05 }, body = "{}" }
      assert.equal("curl", faults.finish(engine, bad).reason)
      assert.equal("ok", faults.finish(engine, good).reason)
    end)

    it("keeps engines apart", function()
      local other = new_engine { username = "", password = "other" }
      local a, b = server:plan { seconds = 0.05 }, server:plan { seconds = 0.05 }
      local first = engine:start { method = "GET", target = "/f/" .. a }
      local second = other:start { method = "GET", target = "/f/" .. b }
      faults.finish(other, second)
      faults.finish(engine, first)
      assert.is_nil(seen_request(a).headers.authorization)
      assert.truthy(seen_request(b).headers.authorization)
      other:close()
      assert.equal("ok", first:result().reason)
    end)
  end)

  describe("waits only when asked to", function()
    it("never in start and step", function()
      local from = core.now()
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 60 }
      for _ = 1, 1000 do assert.equal(1, engine:step()) end
      assert.is_true(core.now() - from < 20)
      transfer:cancel()
    end)

    it("in wait, until something happened or the time is over", function()
      local from = core.now()
      assert.equal(0, engine:wait(30))
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan() }
      while not transfer:done() do engine:wait(30) end
      assert.is_true(core.now() - from < 20)
      engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 60 }
      for _ = 1, 10 do engine:wait(0.01) end
      assert.equal(1, engine:wait(0))
      assert.has_error(function() engine:wait(-1) end)
      assert.has_error(function() engine:wait() end)
    end)

    it("and can be driven by its descriptor and timeout alone", function()
      local fd = engine:fd()
      if not fd then return pending("this system has no pollable descriptor") end
      local watched = { getfd = function() return fd end, dirty = function() return false end }
      local ids = { server:plan { seconds = 0.05 }, server:plan { size = 2000000 }, server:plan { act = "silent" } }
      local transfers = {}
      for i, id in ipairs(ids) do
        transfers[i] = engine:start { method = "GET", target = "/f/" .. id, timeout = i == 3 and 0.3 or 30 }
      end
      local rounds = 0
      while engine:pending() > 0 do
        local ready = socket.select({ watched }, nil, engine:timeout() or 30)
        assert.is_true(ready[1] ~= nil or engine:timeout() ~= nil, "nothing to wait for")
        engine:step()
        rounds = rounds + 1
        assert.is_true(rounds < 100000, "the descriptor is readable for nothing")
      end
      assert.equal("ok", transfers[1]:result().reason)
      assert.equal(2000000, #transfers[2]:result().body)
      assert.equal("deadline", transfers[3]:result().reason)
    end)

    it("leaves the descriptor quiet when there is nothing to do", function()
      local fd = engine:fd()
      if not fd then return pending("this system has no pollable descriptor") end
      local watched = { getfd = function() return fd end, dirty = function() return false end }
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 60 }
      server:await(engine, ("r%d"):format(server.last_id))
      for _ = 1, 20 do engine:step() end
      local quiet = false
      for _ = 1, 20 do
        quiet = quiet or socket.select({ watched }, nil, 0)[1] == nil
        engine:step()
      end
      assert.is_true(quiet)
      transfer:cancel()
    end)

    it("and knows the time that a deadline leaves", function()
      engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" }, timeout = 5 }
      for _ = 1, 20 do engine:step() end
      local timeout = engine:timeout()
      assert.is_true(timeout >= 0 and timeout <= 5)
    end)
  end)

  describe("cancel", function()
    it("before anything was sent: no", function()
      local id = server:plan()
      local first = engine:start { method = "PUT", target = "/f/x", body = "{}" }
      -- Further starts wait for the next step, so this one has not even connected.
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      transfer:cancel()
      assert.is_true(transfer:done())
      local result = transfer:result()
      assert.equal("cancelled", result.reason)
      assert.equal("no", result.sent)
      assert.is_nil(result.status)
      assert.equal("ok", faults.finish(engine, first).reason)
      assert.equal(0, server:seen(id).started)
    end)

    it("after the request went out: maybe", function()
      local id = server:plan { act = "silent" }
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      server:await(engine, id)
      transfer:cancel()
      assert.equal("cancelled", transfer:result().reason)
      assert.equal("maybe", transfer:result().sent)
      assert.equal(0, engine:pending())
    end)

    it("in the middle of the answer: yes, with what there is", function()
      local id = server:plan { act = "drip" }
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      server:await(engine, id)
      -- The head of the answer follows the request at once.
      for _ = 1, 20 do engine:wait(0.02) end
      transfer:cancel()
      local result = transfer:result()
      assert.equal("cancelled", result.reason)
      assert.equal("yes", result.sent)
      assert.equal(200, result.status)
    end)

    it("twice, or once it is over, changes nothing", function()
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan() }
      local result = faults.finish(engine, transfer)
      transfer:cancel()
      assert.equal("ok", transfer:result().reason)
      assert.equal(result, transfer:result())
      transfer = engine:start { method = "GET", target = "/f/" .. server:plan { act = "silent" } }
      transfer:cancel()
      transfer:cancel()
      assert.equal("cancelled", transfer:result().reason)
    end)

    it("leaves the others and the engine alone", function()
      local other = engine:start { method = "GET", target = "/f/" .. server:plan { seconds = 0.05 } }
      local transfer = engine:start { method = "GET", target = "/f/" .. server:plan { seconds = 0.05 } }
      engine:step()
      transfer:cancel()
      assert.equal("ok", faults.finish(engine, other).reason)
      assert.equal("ok", faults.call(engine, server:plan()).reason)
    end)
  end)

  describe("close", function()
    it("ends what is in flight, and results stay readable", function()
      local id = server:plan { act = "silent" }
      local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
      local finished = engine:start { method = "GET", target = "/f/" .. server:plan() }
      faults.finish(engine, finished)
      server:await(engine, id)
      engine:close()
      assert.is_true(transfer:done())
      assert.equal("closed", transfer:result().reason)
      assert.equal("maybe", transfer:result().sent)
      assert.equal("ok", finished:result().reason)
      transfer:cancel()
      assert.equal("closed", transfer:result().reason)
    end)

    it("twice is silent; any other use raises", function()
      assert.is_true(engine:usable())
      engine:close()
      engine:close()
      assert.is_false(engine:usable())
      for _, use in ipairs { "start", "step", "wait", "fd", "timeout", "pending" } do
        local ok, message = pcall(function() return engine[use](engine, {}) end)
        assert.is_false(ok, use)
        assert.truthy(message:find("closed", 1, true), message)
      end
      assert.truthy(tostring(engine):find("closed", 1, true))
    end)

    it("happens by itself at the end of a block, on Lua 5.4", function()
      if _VERSION ~= "Lua 5.4" then return end
      local source = "local make = ... local seen do local e <close> = make() seen = e end return seen"
      local seen = assert(load(source))(function() return new_engine {} end)
      assert.is_false(seen:usable())
    end)

    it("closes its connections", function()
      faults.call(engine, server:plan())
      assert.is_true(server:stats().open.http > 0)
      engine:close()
      local patience = os.time() + 30
      while server:stats().open.http > 0 do assert.is_true(os.time() < patience, "connections are left") end
    end)
  end)

  describe("and the collector", function()
    it("a transfer that nobody holds is cancelled", function()
      local id = server:plan { act = "silent" }
      do
        local transfer = engine:start { method = "PUT", target = "/f/" .. id, body = "{}" }
        assert.is_false(transfer:done())
        transfer = nil -- luacheck: ignore
      end
      server:await(engine, id)
      collect()
      assert.equal(0, engine:pending())
      assert.equal("ok", faults.call(engine, server:plan()).reason)
    end)

    it("an engine that nobody holds ends its transfers, which know", function()
      local transfer
      do
        local short = new_engine {}
        transfer = short:start { method = "PUT", target = "/f/" .. server:plan { act = "silent" }, body = "{}" }
        short = nil -- luacheck: ignore
      end
      collect()
      assert.is_true(transfer:done())
      assert.equal("closed", transfer:result().reason)
    end)

    it("both at once, in any order, at any stage", function()
      for round = 1, 40 do
        local short = new_engine {}
        local kept = {}
        for i = 1, 5 do
          kept[i] = short:start { method = "PUT", target = "/f/" .. server:plan(), body = "{}", timeout = 20 }
        end
        for _ = 1, round % 5 do short:wait(0.001) end
        if round % 2 == 0 then kept[1]:cancel() end
        if round % 3 == 0 then short:close() end
        short, kept = nil, nil -- luacheck: ignore
        collectgarbage()
      end
    end)
  end)

  describe("refuses options, naming them:", function()
    local cases = {
      { "base_url", nil }, { "base_url", 1 }, { "base_url", "" }, { "base_url", "127.0.0.1" },
      { "username", 1 }, { "password", true }, { "user_agent", {} }, { "user_agent", "a\r\nX-Injected: 1" },
      { "ca_file", 1 }, { "ca_file", "/nonexistent/ca.pem" }, { "proxy", 1 }, { "proxy", "gopher://x" },
      { "headers", 1 }, { "headers", { "X: y" } }, { "headers", { ["X-A"] = 1 } },
      { "headers", { ["X-A"] = "1\r\nX-Injected: 2" } }, { "headers", { ["X-A\r\nX-B"] = "1" } },
      { "headers", { ["X A"] = "1" } }, { "headers", { [""] = "1" } }, { "headers", { ["X-A"] = "\0" } },
      { "headers", { Host = "other" } }, { "headers", { ["content-length"] = "1" } },
      { "headers", { Authorization = "Basic x" } }, { "headers", { ["Transfer-Encoding"] = "chunked" } },
      { "connect_timeout", 0 }, { "connect_timeout", -1 }, { "connect_timeout", "10" }, { "connect_timeout", 0 / 0 },
      { "max_response", 0 }, { "max_response", -1 }, { "max_response", {} }, { "max_response", 1e30 },
      { "max_headers", 0 }, { "max_headers", "1" },
    }
    for i, case in ipairs(cases) do
      it(("%s (%d)"):format(case[1], i), function()
        local options = { base_url = server.url.http, username = "", password = "secret" }
        options[case[1]] = case[2]
        local ok, message = pcall(core.engine, options)
        assert.is_false(ok)
        assert.truthy(message:find(case[1], 1, true), message)
        assert.is_nil(message:find("secret", 1, true))
      end)
    end

    it("no table at all", function()
      assert.has_error(function() core.engine() end)
      assert.has_error(function() core.engine("http://127.0.0.1") end)
    end)
  end)

  describe("refuses requests, naming what is wrong, and sends nothing:", function()
    local cases = {
      { "method", nil }, { "method", 1 }, { "method", "" }, { "method", "get" }, { "method", "TRACE" },
      { "method", "GET / HTTP/1.1\r\nX: y" },
      { "target", nil }, { "target", 1 }, { "target", "" }, { "target", "f" }, { "target", "/a b" },
      { "target", "/a\r\nX: y" }, { "target", "/a\0b" }, { "target", "/a#b" }, { "target", "/\195\182" },
      { "target", "@evil.example/" },
      { "headers", 1 }, { "headers", { ["X-A"] = {} } }, { "headers", { ["X-A"] = "1\nX-B: 2" } },
      { "headers", { ["X:A"] = "1" } }, { "headers", { Expect = "100-continue" } },
      { "body", 1 }, { "body", {} },
      { "timeout", 0 }, { "timeout", -1 }, { "timeout", "1" }, { "timeout", 0 / 0 },
    }
    for i, case in ipairs(cases) do
      it(("%s (%d)"):format(case[1], i), function()
        local request = { method = "PUT", target = "/f/refused", body = "{}", timeout = 5 }
        request[case[1]] = case[2]
        local ok, message = pcall(engine.start, engine, request)
        assert.is_false(ok)
        assert.truthy(message:find(case[1], 1, true), message)
        assert.equal(0, engine:pending())
      end)
    end

    it("not even later", function()
      assert.equal("ok", faults.call(engine, server:plan()).reason)
      assert.equal(0, server:seen("refused").started)
      assert.has_error(function() engine:start() end)
      assert.has_error(function() engine.start({}, {}) end)
      assert.has_error(function() engine.step(io.stdout) end)
    end)
  end)

  it("shows nothing secret as text", function()
    local known = new_engine { username = "someone", password = "hunter2" }
    local transfer = known:start { method = "GET", target = "/f/x" }
    for _, value in ipairs { known, transfer } do
      local text = tostring(value)
      assert.is_nil(text:find("hunter2", 1, true))
      assert.is_nil(text:find("someone", 1, true))
    end
    known:close()
    assert.is_nil(transfer:result().text:find("hunter2", 1, true))
  end)

  it("does not change the tables it is given", function()
    local options = { base_url = server.url.http, headers = { A = "1" } }
    local own = core.engine(options)
    local request = { method = "PUT", target = "/f/" .. server:plan(), body = "{}", headers = { B = "2" }, timeout = 5 }
    faults.finish(own, own:start(request))
    assert.same({ base_url = server.url.http, headers = { A = "1" } }, options)
    assert.same({ B = "2" }, request.headers)
    assert.equal(5, request.timeout)
    own:close()
  end)
end)
