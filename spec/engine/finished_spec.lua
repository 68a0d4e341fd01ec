-- Which ends an engine tells of: each once, in their order, by the owner, whatever else was started and dropped.
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

  local function start(owner) return engine:start({ method = "GET", target = target, timeout = 60 }, owner) end

  local function told()
    local all = {}
    for owner in engine.finished, engine do all[#all + 1] = owner.name or owner end
    return all
  end

  it("returns the transfer itself where no owner was given", function()
    local transfer = start()
    transfer:cancel()
    assert.equal(transfer, engine:finished())
    assert.is_nil(engine:finished())
  end)

  it("tells each owner once, in the order of the ends", function()
    local owners, transfers = {}, {}
    for index = 1, 40 do
      owners[index] = { name = index }
      transfers[index] = start(owners[index])
    end
    local expected = {}
    for index = 40, 2, -2 do
      transfers[index]:cancel()
      expected[#expected + 1] = index
    end
    assert.same(expected, told())
    assert.same({}, told())
  end)

  it("mixes nothing up while transfers end, are read, released and started again", function()
    local seed = os.time()
    math.randomseed(seed)
    local live, expected, count = {}, {}, 0
    for _ = 1, 2000 do
      local at = math.random(#live + 1)
      local item = live[at]
      if not item or #live < 5 then
        count = count + 1
        local owner = { name = count }
        live[#live + 1] = { owner = owner, transfer = start(owner) }
      else
        table.remove(live, at)
        item.transfer:cancel()
        local choice = math.random(4)
        if choice == 1 then item.transfer:result()
        elseif choice == 2 then item.transfer:release()
        else expected[#expected + 1] = item end
      end
      if math.random(20) == 1 then
        local names = {}
        for index, one in ipairs(expected) do names[index] = one.owner.name end
        assert.same(names, told(), "seed " .. seed)
        expected = {}
      end
    end
  end)

  it("leaves out an owner that is gone, and takes none of a later transfer for it", function()
    local transfer = start({ name = "gone" })
    transfer:cancel()
    collect()
    local owner = { name = "there" }
    local other = start(owner)
    other:cancel()
    assert.same({ "there" }, told())
  end)
end)
