-- Confirms each new booking when Timekit's webhook tells of it. webhook.conf is the same in nginx.
local timekit = require "timekit"
local SECRET = "whsec_1"

-- The sandbox stands in for Timekit here, and sends the webhook twice, as Timekit may.
local box = timekit.sandbox.new { seed = 7 }
local tk = timekit.new { transport = box }
box:webhook { url = "http://127.0.0.1/hook", secret = SECRET, graph = "confirm_decline", state = "tentative" }

-- What a web server does with a delivery: returns the HTTP status. Timekit tries again after any but 2xx.
local function receive(body, signature)
  if not timekit.webhook.verify(body, signature, SECRET) then return 401 end
  local handle = timekit.webhook.parse(body, { client = tk })
  if not handle then return 400 elseif handle.is_test then return 200 end
  local booking, err = handle:confirm()
  if booking then
    print("confirmed")
    return 200
  elseif err.kind == "transition" then
    print("nothing to do", err.already)              -- the first delivery has done it, or somebody declined it
    return 200
  end
  print("later", err)                                -- `uncertain`, `network`, …: the next delivery looks again
  return 503
end

assert(tk:create_booking {
  graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
})
local sent = box:deliveries()[1]
for _ = 1, 2 do print(receive(sent.body, sent.headers["x-timekit-signature"])) end
tk:close()

-- It prints:
-- confirmed
-- 200
-- nothing to do	true
-- 200
