-- A transfer that takes over the memory of an earlier one shows nothing of it.
local core = require "timekit.core"
local faults = require "spec.support.faults"

-- Transfers that are over leave their memory to the next ones.
describe("a transfer in the memory of another", function()
  local LONGEST = 400000
  local server, engine

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)
  before_each(function() engine = core.engine { base_url = server.url.http, max_response = LONGEST } end)
  after_each(function() engine:close() end)

  local function perform(id, request)
    request.target, request.timeout = "/f/" .. id, 20
    local transfer = engine:start(request)
    return faults.finish(engine, transfer)
  end

  -- All that a transfer can hold: a request and an answer with headers of their own, and a failure.
  local function eventful(size)
    local request = { method = "PUT", body = ("b"):rep(size), headers = { ["X-Own"] = "1" } }
    local answered = perform(server:plan { body = ("a"):rep(size), headers = { { "X-First", "1" } } }, request)
    assert.same({ "ok", size }, { answered.reason, #answered.body })
    local refused = perform(server:plan { body = ("a"):rep(LONGEST + 1) }, request)
    assert.equal("body_limit", refused.reason)
    answered:release()
    refused:release()
  end

  for _, size in ipairs { 300, 5000, 300000 } do
    it(("knows nothing of its request of %d bytes, nor of what came of it"):format(size), function()
      for _, request in ipairs { { method = "DELETE" }, { method = "GET" }, { method = "PUT", body = "{}" } } do
        eventful(size)
        local id = server:plan { status = 200, body = "" }
        local result = perform(id, { method = request.method, body = request.body })
        assert.same({ "ok", 0, "", 200, "yes", "", 0 }, {
          result.reason, result.code, result.text, result.status, result.sent, result.body, result.restarts,
        })
        assert.is_nil(result.failure)
        assert.is_nil(result.headers["x-first"])
        local seen = server:seen(id).requests[1]
        assert.equal(request.body or "", seen.body)
        assert.is_nil(seen.headers["x-own"])
        result:release()
      end
    end)
  end

  it("leaves alone what is still read, however many there are", function()
    local kept, total = {}, 150
    for round = 1, 2 do
      local transfers = {}
      for index = 1, total do
        local id = server:plan { body = ("%d/%d "):format(round, index):rep(index) }
        transfers[index] = engine:start { method = "PUT", target = "/f/" .. id, body = "{}", timeout = 60 }
      end
      for index, transfer in ipairs(transfers) do
        local result = faults.finish(engine, transfer)
        assert.equal(("%d/%d "):format(round, index):rep(index), result.body)
        if index % 10 == 0 then kept[#kept + 1] = { result, round, index } else result:release() end
      end
    end
    engine:close()
    for _, one in ipairs(kept) do
      assert.equal(("%d/%d "):format(one[2], one[3]):rep(one[3]), one[1].body)
      one[1]:release()
    end
  end)
end)
