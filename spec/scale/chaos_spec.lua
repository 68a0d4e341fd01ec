-- A round of the queue's chaos (`make chaos MODE=queue`), and faults that its judge must find.
local redis = require "spec.support.redis"

if not redis.is_here() or not package.searchpath then
  pending "redis-server is not here, or the Lua is too old for spec/chaos/queue/patches.lua"
  return
end

local chaos = require "spec.chaos.queue.run"

describe("the queue, with everything going wrong", function()
  it("loses nothing, does nothing twice, and keeps the order", function()
    local found = {}
    local sum = chaos.run { seed = 1, jobs = 1, say = function(text) found[#found + 1] = text end }
    assert.same({}, found)
    assert.is_true(sum.jobs > 100)
  end)

  for control, rules in pairs { ["no order"] = { "order", "false" }, ["truncated file"] = { "lost" } } do
    it("has a judge who finds a queue with " .. control, function()
      local count = 0
      for round = 1, 5 do
        local sum = chaos.run { seed = 1, jobs = 1, round = round, control = control }
        for _, rule in ipairs(rules) do count = count + (sum.rules[rule] or 0) end
        if count > 0 then break end
      end
      assert.is_true(count > 0)
    end)
  end
end)
