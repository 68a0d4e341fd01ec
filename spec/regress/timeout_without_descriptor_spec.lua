-- A user saw: where there is no descriptor (no epoll, or a transport of one's own), `tk:timeout()` was 10 s or nil while
-- an answer was under way. A host that went by it came for the answer far too late.
local clocks = require "spec.support.clock"
local held = require "spec.support.held"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

-- Seconds. A host that looks this often keeps nobody waiting.
local SOON = 0.005

-- `fd` and `timeout` are what the transport says of itself.
local function client(fd, timeout)
  local transport = held.new()
  local tk = timekit.new { app_key = "test_key", transport = {
    connect = function()
      local connection = transport:connect()
      return setmetatable({
        fd = function() return fd end, timeout = function() return timeout end,
      }, { __index = connection })
    end,
  } }
  return tk, transport
end

describe("tk:timeout(), without a descriptor,", function()
  local clock
  before_each(function() clock = clocks.install() end)
  after_each(function() clock:remove() end)

  for _, said in ipairs { false, 10 } do
    it("is a few milliseconds while an answer is under way, if the transport says " .. tostring(said), function()
      local tk, transport = client(nil, said or nil)
      assert.equal(said or nil, tk:timeout())
      local call = tk:booking("b1"):start("confirm")
      local pause = tk:timeout()
      assert.is_true(pause > 0 and pause <= SOON, pause)
      -- A host that goes by it alone has the answer.
      transport:finish(1, scripted.booking "confirmed")
      clock:advance(pause)
      assert.equal(0, tk:update())
      assert.equal("confirmed", call:result().state)
      assert.equal(said or nil, tk:timeout())
    end)
  end

  it("is not longer than what the transport says", function()
    local tk = client(nil, 0)
    tk:booking("b1"):start("confirm")
    assert.equal(0, tk:timeout())
  end)

  it("is exact while calls only wait for a time", function()
    local tk, transport = client()
    tk:booking("b1"):start("confirm")
    transport:finish(1, scripted.answer(429, "", { ["retry-after"] = "7" }))
    tk:update()
    assert.equal(7, tk:timeout())
  end)
end)

it("tk:timeout() is the transport's where there is a descriptor, which tells of answers", function()
  local tk = client(0, 10)
  tk:booking("b1"):start("confirm")
  assert.equal(10, tk:timeout())
end)
