-- A call that is cancelled at any point tells the truth about what was sent, and disturbs no other call.
local faults = require "spec.support.faults"
local timekit = require "timekit"

describe("a call that is cancelled after any number of steps", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:close() end)

  for _, listener in ipairs { "http", "tls" } do
    it("tells the truth, and leaves the others alone: " .. listener, function()
      local id = server:plan()
      local tk = timekit.new {
        app_key = "k_test", base_url = server.url[listener] .. "/f/" .. id, ca_file = server.ca_file,
        uncertain = "report", http2 = listener == "tls", retries = 0,
      }
      local sent, steps = 0, 0
      local over
      repeat
        local other = tk:booking("b1"):start("confirm")
        local victim = tk:booking("b2"):start("confirm")
        for _ = 1, steps do tk:update(1) end
        over = victim:done()
        victim:cancel()
        assert.is_true(victim:done())
        local _, err = victim:result()
        if not over then assert.equal("cancelled", err.kind) end
        -- This server's answers are not bookings, so even a complete one is an error.
        if err.sent ~= "no" then sent = sent + 1 end
        while tk:update(10) > 0 do end
        assert.equal("yes", select(2, other:result()).sent)
        steps = steps + 1
      until over
      local complete = server:seen(id).complete
      assert.is_true(complete <= steps + sent, ("%d of %d + %d"):format(complete, steps, sent))
      assert.is_true(complete >= steps)
      tk:close()
    end)
  end
end)
