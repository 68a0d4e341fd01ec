-- The engine against a server of our own, over real sockets: what is sent and what is reported.
local core = require "timekit.core"
local faults = require "spec.support.faults"

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
      local result = faults.request(engine, id)
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
        local result = faults.request(engine, server:plan { status = status })
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
      local headers = faults.request(engine, id).headers
      assert.equal("Value Kept", headers["x-mixed-case"])
      assert.is_nil(headers["X-Mixed-CASE"])
      assert.equal("one, two", headers["x-twice"])
      assert.equal("", headers["x-empty"])
      assert.equal("a:b", headers["x-colon"])
      assert.equal("around", headers["x-space"])
      assert.equal("application/json", headers["content-type"])
    end)

    it("the final answer's headers only, after interim answers", function()
      local result = faults.request(engine, server:plan { act = "informational", count = 3 })
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
        local result = faults.request(engine, server:plan(step))
        assert.equal("ok", result.reason)
        assert.is_true(step.body == result.body)
      end
    end)

    it("times in seconds, in the order of the stages", function()
      local result = faults.request(engine, server:plan { seconds = 0.05 })
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
      local result = faults.request(alone, "x")
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
        assert.equal("ok", faults.request(engine, id, { body = body }).reason)
        local request = seen_request(id)
        assert.is_true(body == request.body)
        assert.is_nil(request.headers.expect)
        assert.equal(("%d"):format(#body), request.headers["content-length"])
      end
    end)

    it("the headers of the engine and of the request, and nothing it was not told to", function()
      local both = new_engine { headers = { ["Timekit-App"] = "app" }, user_agent = "timekit/1 (spec)" }
      local id = server:plan()
      faults.request(both, id, { headers = { ["Content-Type"] = "application/json", ["X-One"] = "1" } })
      local headers = seen_request(id).headers
      assert.equal("app", headers["timekit-app"])
      assert.equal("1", headers["x-one"])
      assert.equal("application/json", headers["content-type"])
      assert.equal("timekit/1 (spec)", headers["user-agent"])
      assert.is_nil(headers.authorization)
      assert.is_nil(headers.cookie)
      assert.is_nil(headers.expect)
      id = server:plan()
      faults.request(both, id)
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
          faults.request(known, id)
          assert.equal("Basic " .. case[3], seen_request(id).headers.authorization)
        end
        known:close()
      end
    end)

    it("no cookie that a server set", function()
      faults.request(engine, server:plan { headers = { { "Set-Cookie", "a=b; Path=/" } } })
      local id = server:plan()
      assert.is_true(faults.request(engine, id).reused)
      assert.is_nil(seen_request(id).headers.cookie)
    end)

    it("over a kept connection", function()
      assert.is_false(faults.request(engine, server:plan()).reused)
      for nth = 2, 4 do
        local id = server:plan()
        assert.is_true(faults.request(engine, id).reused)
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
end)
