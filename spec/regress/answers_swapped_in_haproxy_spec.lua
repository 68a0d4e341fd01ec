-- A user saw: in HAProxy a command of Redis's got the answer to another one, or `Redis answered what was not asked`
local core = require "timekit.core"
local links = require "timekit.redis.link"

-- HAProxy suspends a coroutine between any two instructions, but never where Lua could not yield.
local can_yield = coroutine.isyieldable

describe("a link", function()
  it("passes values through what is not interrupted, and what it raises", function()
    assert.same({ 3, nil, "x" }, { core.uninterrupted(function(a, b) return a + b, nil, "x" end, 1, 2) })
    local ok, problem = pcall(core.uninterrupted, function() error("raised", 0) end)
    assert.same({ false, "raised" }, { ok, problem })
    assert.has_error(function() core.uninterrupted(5) end)
  end)

  if not can_yield then return end

  it("is not interrupted while it changes", function()
    local seen, input = {}, "+PONG\r\n"
    local function method(name, value)
      return function()
        seen[#seen + 1] = name .. (can_yield() and " can be interrupted" or "")
        return value
      end
    end
    local stream = {
      send = method("send", true), written = method("written", 14), state = method("state", "open"),
      close = method "close",
      receive = function()
        seen[#seen + 1] = "receive" .. (can_yield() and " can be interrupted" or "")
        local bytes = input
        input = nil
        return bytes
      end,
    }
    local engine = { stream = function() return stream end }
    local answer
    coroutine.wrap(function()
      assert.is_true(can_yield())
      local link = links.new(function() return engine end, { url = "http://localhost", db = 0 })
      local transfer = link:start { "PING" }
      link:run("return 1", {}, {})
      link:move()
      answer = transfer:result().value
      link:close()
    end)()
    assert.equal("PONG", answer)
    assert.equal("send send send receive state", table.concat(seen, " "):match "^send.-state")
    assert.is_nil(table.concat(seen, " "):find "interrupted")
  end)
end)
