-- A user saw: the queue take longer for each job that was added for the same booking and the same time.
local dice = require "spec.support.dice"
local redis = require "spec.support.redis"
local timekit = require "timekit"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

local COUNT, TIME = 300, os.time() + 3600

describe("jobs of one booking and one time", function()
  local server, tk, queue
  setup(function()
    server = redis.start()
    tk = timekit.new { app_key = "x" }
    queue = tk:queue { redis = server.address }
  end)
  teardown(function()
    tk:close()
    server:close()
  end)

  local function add() return assert(queue:add("b", "confirm", nil, { at = TIME })).id end

  it("are counted a few times each, and take the first place that is free", function()
    local roll, jobs, taken, places = dice.new(7), {}, {}, {}
    for _ = 1, COUNT do
      local place = 0
      while taken[place] do place = place + 1 end
      local id = add()
      jobs[#jobs + 1], taken[place], places[id] = id, id, place
      if roll:chance(0.25) then
        id = table.remove(jobs, roll:integer(1, #jobs))
        assert(queue:cancel(id))
        taken[places[id]], places[id] = nil, nil
      end
    end
    local found = {}
    local listed = server:cli "zrange timekit:{default}:queue:b:b 0 -1 withscores"
    for id, score in listed:gmatch "(%S+)%s+(%S+)" do found[id] = tonumber(score) - TIME * 1e6 end
    for id, place in pairs(places) do places[id] = place + 0.0 end
    assert.same(places, found)
    local counts = tonumber(server:cli("info commandstats"):match "cmdstat_zcount:calls=(%d+)")
    assert.is_true(counts < 20 * COUNT, counts .. " looks")
  end)
end)
