-- A bulk run that is killed at any point and goes on: nothing is done twice, nothing is lost, and what is told is true.
-- `make chaos-bulk` is the long form.
local bulk = require "spec.chaos.bulk"

describe("a bulk run that is killed", function()
  local world

  teardown(function() world:close() end)
  setup(function() world = bulk.new { seed = 15, cut_rate = 0.3 } end)

  it("goes on from any byte of its traffic", function()
    local rows, uncertain, killed = 0, 0, 0
    for _ = 1, 2 do
      world:prepare(70)
      for _ = 1, 3 do
        if world:run(world:random_kill(3)) == 137 then killed = killed + 1 end
      end
      assert.is_true(world:run() ~= 137)
      local verdict = world:judge()
      assert.same({}, verdict.violations)
      -- A row that Timekit refuses stays uncertain if the answer is lost as well. Of so few rows that may be too many.
      rows, uncertain = rows + #world.rows, uncertain + verdict.needless
    end
    assert.is_true(killed >= 3, killed .. " kills")
    assert.is_true(uncertain < 0.02 * rows, uncertain .. " uncertain rows")
  end)

  it("goes on from every write of its journal", function()
    local shares = { "none", "half", "all" }
    local violations, killed = world:kill_at_every_write(4, function(write) return { shares[write % 3 + 1] } end)
    assert.same({}, violations)
    -- Two lines begin the journal, and each row has two.
    assert.is_true(killed >= 10, killed .. " kills")
  end)
end)
