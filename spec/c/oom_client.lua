-- What test_oom_lua.c does with a whole client while memory runs out, and again afterwards, as with oom_core.lua.
-- The second transport is a sandbox, whose history tells whether the answer is true.
local sandbox = require "timekit.sandbox"
local timekit = require "timekit"

local function fail(err)
  assert(type(err.kind) == "string" and not tostring(err):find("%c"))
  return nil, tostring(err)
end

local function over_http(kept, url)
  -- A try that waited for its turn would only take time.
  kept.tk = kept.tk or timekit.new { app_key = "live_api_key_1", base_url = url, retries = 0, timeout = 20 }
  local handle = kept.tk:booking("b1")
  local booking, err = handle:action("confirm", { note = "x" })
  if not booking then return fail(err) end
  assert(booking.state == "confirmed" and handle.state == "confirmed" and handle.graph == "confirm_decline")
  local again, refused = handle:decline()
  assert(again or refused.kind ~= "input", refused)
  kept.tk:close()
  kept.tk = nil
  return true
end

local function in_a_sandbox(kept)
  kept.box = kept.box or sandbox.new { now = 1893456000 }
  kept.tk = kept.tk or timekit.new { transport = kept.box, retries = 0 }
  if not kept.id then
    local created, err = kept.tk:create_booking {
      graph = "confirm_decline", start = "2030-01-01T10:00:00Z", ["end"] = "2030-01-01T11:00:00Z", what = "x",
      customer = { name = "Marty", email = "marty@example.com" },
    }
    if not created then return fail(err) end
    kept.id = created.id
  end
  local booking, err = kept.tk:booking(kept.id):action("confirm")
  -- A call that ran out of memory may have applied it before, and told nobody.
  if booking == nil and not err.already then return fail(err) end
  local times = 0
  for _, one in ipairs(kept.box:bookings()) do
    for _, step in ipairs(one.history) do
      if one.id == kept.id and step.action == "confirm" then times = times + 1 end
    end
  end
  assert(times == 1, times)
  kept.tk:close()
  kept.tk, kept.box, kept.id = nil, nil, nil
  return true
end

return { over_http = over_http, in_a_sandbox = in_a_sandbox }
