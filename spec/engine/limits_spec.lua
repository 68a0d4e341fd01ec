-- What a server can cost the engine is bounded, in bytes and in seconds.
local core = require "timekit.core"
local faults = require "spec.support.faults"

-- Bytes and seconds that a server may cost are bounded, whatever it sends and however slowly.
describe("the engine's limits:", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  local PROTOCOLS = {
    { name = "HTTP/1.1", listener = "http" },
    { name = "TLS, HTTP/1.1", listener = "tls" },
    { name = "TLS, HTTP/2", listener = "tls", http2 = true },
  }

  for _, protocol in ipairs(PROTOCOLS) do
    describe(protocol.name, function()
      local engine

      local function new_engine(extra)
        local options = { base_url = server.url[protocol.listener], ca_file = server.ca_file, http2 = protocol.http2 }
        for key, value in pairs(extra or {}) do options[key] = value end
        engine = core.engine(options)
      end

      after_each(function()
        -- The engine still works after whatever a server did. (A server that goes on with an answer that was given up
        -- breaks the session of an HTTP/2 connection under the next request. That fails and says so.)
        local result = faults.request(engine, server:plan())
        if protocol.http2 and result.sent ~= "yes" then result = faults.request(engine, server:plan()) end
        assert.equal("ok", result.reason, result.text)
        engine:close()
      end)

      describe("a body", function()
        local LIMIT = 100000

        local function call(step)
          new_engine { max_response = LIMIT }
          return faults.request(engine, server:plan(step))
        end

        local function check_over(step)
          local result = call(step)
          assert.equal("body_limit", result.reason)
          assert.equal(200, result.status)
          assert.equal("yes", result.sent)
          assert.is_true(#result.body <= LIMIT)
          assert.truthy(result.text:find("100000", 1, true))
        end

        it("of exactly the limit is taken", function()
          local result = call { size = LIMIT }
          assert.equal("ok", result.reason)
          assert.equal(LIMIT, #result.body)
        end)

        it("one byte larger is not", function() check_over { size = LIMIT + 1 } end)
        it("one byte larger, of unknown length, is not", function() check_over { size = LIMIT + 1, chunked = true } end)
        it("without end is not", function() check_over { act = "endless" } end)
        it("that unpacks to more is not", function() check_over { size = LIMIT + 1, gzip = true } end)
        it("that is a gzip bomb is not", function() check_over { act = "bomb", size = 30000000 } end)

        it("that is packed and fits is taken unpacked", function()
          local result = call { size = LIMIT, gzip = true }
          assert.equal("ok", result.reason)
          assert.equal(LIMIT, #result.body)
        end)

        it("that is not what its Content-Encoding says is an error", function()
          local result = call { body = "no gzip at all", headers = { { "Content-Encoding", "gzip" } } }
          assert.equal("curl", result.reason)
          assert.equal("yes", result.sent)
        end)

        it("may be 8 MiB when nothing is said", function()
          new_engine()
          assert.equal("ok", faults.request(engine, server:plan { size = 8 * 1024 * 1024 }).reason)
          assert.equal("body_limit", faults.request(engine, server:plan { size = 8 * 1024 * 1024 + 1 }).reason)
        end)
      end)

      describe("headers", function()
        it("of a usual size are taken, and so is a long one", function()
          new_engine()
          local headers = { { "X-Long", ("v"):rep(8000) } }
          for i = 1, 100 do headers[#headers + 1] = { "X-" .. i, "value" } end
          local result = faults.request(engine, server:plan { headers = headers })
          assert.equal("ok", result.reason)
          assert.equal(("v"):rep(8000), result.headers["x-long"])
          assert.equal("value", result.headers["x-100"])
        end)

        it("beyond max_headers are not", function()
          new_engine { max_headers = 2000 }
          local headers = {}
          for i = 1, 100 do headers[i] = { "X-" .. i, ("v"):rep(20) } end
          local result = faults.request(engine, server:plan { headers = headers })
          assert.equal("header_limit", result.reason)
          assert.truthy(result.text:find("2000", 1, true))
          assert.not_equal("no", result.sent)
        end)

        -- Over HTTP/2 libcurl and nghttp2 may give up before our count does.
        local function is_refused(result)
          assert.not_equal("ok", result.reason)
          assert.not_equal("deadline", result.reason)
          assert.not_equal("memory", result.reason, result.text)
          if not protocol.http2 then assert.equal("header_limit", result.reason) end
          assert.not_equal("no", result.sent)
        end

        it("by the hundred thousand are not", function()
          new_engine()
          is_refused(faults.request(engine, server:plan { act = "header_flood", count = 100000 }))
        end)

        it("that never end are not", function()
          new_engine()
          is_refused(faults.request(engine, server:plan { act = "endless_header" }))
        end)

        it("of endless interim answers are not", function()
          new_engine()
          local result = faults.request(engine, server:plan { act = "informational" })
          is_refused(result)
          assert.is_nil(result.status)
          assert.equal("maybe", result.sent)
        end)

        it("of some interim answers are counted, then forgotten", function()
          new_engine()
          local result = faults.request(engine, server:plan { act = "informational", count = 20 })
          assert.equal("ok", result.reason)
          assert.is_nil(result.headers["x-count"])
        end)
      end)

      describe("an answer that is not HTTP", function()
        it("is an error", function()
          new_engine()
          local result = faults.request(engine, server:plan { act = "garbage" })
          assert.equal("curl", result.reason)
          assert.equal("maybe", result.sent)
          assert.is_nil(result.status)
        end)

        for _, status in ipairs { 0, 100, 199, 1000 } do
          it(("is an error: status %d"):format(status), function()
            new_engine()
            local id = server:plan { status = status }
            local result = faults.request(engine, id)
            assert.equal("curl", result.reason)
            assert.equal("maybe", result.sent)
            assert.is_nil(result.status)
            assert.equal(1, server:seen(id).complete)
          end)
        end

        for _, step in ipairs {
          { act = "truncate" }, { act = "truncate", chunked = true }, { act = "truncate", size = 0 },
          { act = "truncate", how = "reset" },
        } do
          it(("is an error: truncated (%s, %s bytes, %s)"):format(
            step.chunked and "chunked" or "with a length", step.size or 500, step.how or "fin"), function()
            new_engine()
            local result = faults.request(engine, server:plan(step))
            assert.equal("curl", result.reason)
            -- A reset may overtake the answer where the client has something to write meanwhile.
            if step.how ~= "reset" or not protocol.http2 then
              assert.equal("yes", result.sent)
              assert.equal(200, result.status)
              assert.is_true(#result.body <= 500)
            end
          end)
        end
      end)

      describe("the deadline ends", function()
        for _, act in ipairs { "silent", "slow_head", "drip" } do
          it("an answer that does not: " .. act, function()
            new_engine()
            local id = server:plan { act = act }
            local from = core.now()
            local result = faults.request(engine, id, { timeout = 0.25 })
            local elapsed = core.now() - from
            assert.equal("deadline", result.reason)
            assert.equal(28, result.code)
            -- A newer libcurl tells the status of HTTP/2 before the headers are complete.
            local told = act == "drip" or act == "slow_head" and result.status ~= nil
            assert.equal(told and "yes" or "maybe", result.sent)
            assert.is_true(elapsed >= 0.25)
            assert.is_true(elapsed < 15)
            assert.is_true(result.times.total >= 0.2, ("total is %g"):format(result.times.total))
            assert.truthy(result.text:find("0.25", 1, true))
            assert.equal(1, server:seen(id).complete)
          end)
        end

        it("a connection that is never taken up, though the request has not been sent", function()
          new_engine()
          server:accept(protocol.listener, { act = "silent" })
          local id = server:plan()
          local result = faults.request(engine, id, { timeout = 0.25 })
          assert.equal("deadline", result.reason)
          assert.equal(protocol.listener == "tls" and "no" or "maybe", result.sent)
          assert.equal(0, server:seen(id).started)
        end)

        it("each transfer by its own", function()
          new_engine()
          local transfers = {}
          for i = 1, 6 do
            local id = server:plan { act = "silent" }
            transfers[i] = engine:start { method = "GET", target = "/f/" .. id, timeout = i % 2 == 0 and 0.2 or 30 }
          end
          local late = server:plan { seconds = 0.3 }
          local answered = engine:start { method = "GET", target = "/f/" .. late, timeout = 30 }
          assert.equal("ok", faults.finish(engine, answered).reason)
          for i, transfer in ipairs(transfers) do
            assert.equal(i % 2 == 0, transfer:done())
            if transfer:done() then assert.equal("deadline", transfer:result().reason) end
            transfer:cancel()
          end
        end)

        it("an upload that the server does not take", function()
          new_engine()
          -- A handshake on a busy machine may take longer than the deadline, so it is done first.
          assert.equal("ok", faults.request(engine, server:plan()).reason)
          -- The server stops reading after the headers and says nothing.
          local id = server:plan { at = "headers", act = "stall" }
          local result = faults.request(engine, id, { body = ("x"):rep(20000000), timeout = 0.4 })
          assert.equal("deadline", result.reason)
          assert.equal("maybe", result.sent)
          assert.equal(0, server:seen(id).complete)
        end)

        it("before anything was done", function()
          new_engine()
          local id = server:plan()
          local result = faults.request(engine, id, { timeout = 0.0000001 })
          assert.equal("deadline", result.reason)
          if result.sent == "no" then assert.equal(0, server:seen(id).started) end
        end)
      end)

      if protocol.listener == "tls" then
        it("connect_timeout ends a handshake that does not", function()
          new_engine { connect_timeout = 0.25 }
          server:accept(protocol.listener, { act = "silent" })
          local result = faults.request(engine, server:plan())
          assert.equal("curl", result.reason)
          assert.equal(28, result.code)
          assert.equal("no", result.sent)
        end)
      end
    end)
  end
end)
