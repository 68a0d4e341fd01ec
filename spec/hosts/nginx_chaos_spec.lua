-- Everything goes wrong, and nginx performs the actions: many requests at once, in one worker.
local chaos = require "spec.chaos.run"
local nginx_crowd = require "spec.chaos.nginx_crowd"

describe("chaos in nginx", function()
  it("leaves the truth alone", function()
    local crowd = nginx_crowd.start()
    local told = {}
    local ok, summary = pcall(chaos.run, {
      mode = "crowd", seed = 6, actions = 400, writers = 8, start_member = crowd.start_member,
      say = function(text) told[#told + 1] = text end,
    })
    local complaints = crowd.nginx:complaints()
    crowd.nginx:close()
    assert(ok, summary)
    assert.equal(0, summary.violations, told[1])
    assert.is_true(summary.actions >= 400)
    for _, name in ipairs { "success", "transition", "uncertain" } do
      assert.is_true((summary.outcomes[name] or 0) > 0, name)
    end
    assert.is_true(next(summary.cuts) ~= nil and next(summary.faults) ~= nil)
    assert.equal("", complaints)
  end)
end)
