local core = require "timekit.core"

-- A wait for something near looks again and again before it sleeps: the wait for an alarm shows it by what it costs.
describe("a wait", function()
  -- Seconds: within a look; and longer, so that all looks are in vain, but short enough for them to be most of a wait.
  local NEAR, FAR = 0.00008, 0.00015

  -- Seconds of CPU for each, and how much of the time they are.
  local function cpu_of(engine, waits, seconds)
    local began, cpu_began = core.now(), os.clock()
    for _ = 1, waits do
      engine:alarm(core.now() + seconds)
      engine:wait(60)
    end
    local cpu = os.clock() - cpu_began
    return cpu / waits, cpu / (core.now() - began)
  end

  it("looks where that is of use, also after it was not", function()
    local share = 0
    for _ = 1, 5 do
      local engine = core.engine { base_url = "http://127.0.0.1:1" }
      cpu_of(engine, 20, FAR)
      cpu_of(engine, 100, NEAR)
      share = math.max(share, select(2, cpu_of(engine, 400, NEAR)))
      engine:close()
    end
    assert.is_true(share > 0.6, ("%.2f of the time"):format(share))
  end)

  it("looks ever less where that is in vain", function()
    local always, later = math.huge, math.huge
    for _ = 1, 5 do
      local looking = 0
      for _ = 1, 50 do
        local engine = core.engine { base_url = "http://127.0.0.1:1" }
        looking = looking + (cpu_of(engine, 1, FAR))
        engine:close()
      end
      always = math.min(always, looking / 50)
      local engine = core.engine { base_url = "http://127.0.0.1:1" }
      cpu_of(engine, 100, FAR)
      later = math.min(later, (cpu_of(engine, 400, FAR)))
      engine:close()
    end
    assert.is_true(later < always / 2, ("%.0f us of CPU, %.0f us with a look"):format(later * 1e6, always * 1e6))
  end)
end)
