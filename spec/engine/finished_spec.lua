-- Which ends an engine tells of: each once, in their order, whatever else was started and dropped.
local collect = require "spec.support.collect"
local core = require "timekit.core"
local faults = require "spec.support.faults"

describe("engine:finished", function()
  local server, engine, target

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  before_each(function()
    engine = core.engine { base_url = server.url.http }
    target = "/f/" .. server:plan { act = "silent" }
  end)
  after_each(function() engine:close() end)

  local function start() return engine:start { method = "GET", target = target, timeout = 60 } end

  local function told()
    local all = {}
    for transfer in engine.finished, engine do all[#all + 1] = transfer end
    return all
  end

  it("tells each transfer once, in the order of the ends", function()
    local transfers, expected = {}, {}
    for index = 1, 40 do transfers[index] = start() end
    for index = 40, 2, -2 do
      transfers[index]:cancel()
      expected[#expected + 1] = transfers[index]
    end
    assert.same(expected, told())
    assert.is_nil(engine:finished())
  end)

  it("mixes nothing up while transfers end, are read, released and started again", function()
    local seed = os.time()
    math.randomseed(seed)
    local live, expected = {}, {}
    for _ = 1, 2000 do
      local at = math.random(#live + 1)
      local transfer = live[at]
      if not transfer or #live < 5 then
        live[#live + 1] = start()
      else
        table.remove(live, at)
        transfer:cancel()
        local choice = math.random(4)
        if choice == 1 then transfer:result()
        elseif choice == 2 then transfer:release()
        else expected[#expected + 1] = transfer end
      end
      if math.random(20) == 1 then
        assert.same(expected, told(), "seed " .. seed)
        expected = {}
      end
    end
  end)

  it("leaves out a transfer that is gone, and takes no later one for it", function()
    start():cancel()
    collect()
    local other = start()
    other:cancel()
    assert.same({ other }, told())
  end)
end)
