-- The README's handler for webhooks, spec/examples/webhook.conf, in a real nginx with two workers.
local core = require "timekit.core"
local nginx = require "spec.support.nginx"
local sandbox_server = require "spec.support.sandbox_server"
local signing = require "spec.support.signing"
local timekit = require "timekit"

local KEY, SECRET = "test_api_key_1", "whsec_Zm9vYmFy"

local file = assert(io.open "spec/examples/webhook.conf")
local EXAMPLE = file:read("*a")
file:close()

describe("the handler for webhooks in nginx", function()
  local box, tk, running

  setup(function()
    box = sandbox_server.start("KEY=" .. KEY)
    tk = timekit.new { app_key = KEY, base_url = box.url }
    -- The file as it stands, with a second worker, and a location that shows that nginx is up.
    local text = EXAMPLE:gsub("\nevents {}", "\nworker_processes 2;\nevents {}")
      :gsub("\n  server {", "\n  access_log off;\n  server {\n    location = /fast { return 200; }")
    running = nginx.start(text,
      ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=%s TIMEKIT_WEBHOOK_SECRET=%s"):format(KEY, box.url, SECRET))
  end)

  teardown(function()
    running:close()
    tk:close()
    box:close()
  end)

  local function book(fields)
    local booking = assert(tk:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    })
    for name, value in pairs(fields or {}) do booking[name] = value end
    return assert(core.encode(booking)), booking.id
  end

  local function send(body, signature)
    return running:ask("/timekit", body, "Content-Type: application/json\r\n"
      .. ("x-timekit-signature: %s\r\n"):format(signature or signing.by_openssl(SECRET, body)))
  end

  local function status_of(connection)
    return (select(2, nginx.answer(connection)))
  end

  -- How often it was asked for anything about a booking. The sandbox is never reset, since it would use its ids again
  -- and the handler would take them for duplicates.
  local function asked(id)
    local _, answer = box:request("GET", "/_sandbox/requests")
    local count = 0
    for _, request in ipairs(answer.data) do
      if request.target:find(id, 1, true) then count = count + 1 end
    end
    return count
  end

  local function state_of(id)
    local _, answer = box:request("GET", "/_sandbox/bookings")
    for _, booking in ipairs(answer.data) do
      if booking.id == id then return booking.state end
    end
  end

  it("does its work once, and answers duplicates as if it had", function()
    local body, id = book()
    for _ = 1, 4 do assert.equal(204, status_of(send(body))) end
    assert.equal("confirmed", state_of(id))
    assert.equal(1, asked(id))
  end)

  it("does it once for deliveries that come at the same time, in both workers", function()
    local body, id = book()
    local sent, statuses = {}, {}
    for index = 1, 20 do sent[index] = send(body) end
    for _, connection in ipairs(sent) do
      local status = status_of(connection)
      statuses[status] = (statuses[status] or 0) + 1
    end
    -- 503: another one is under way, come again.
    assert.equal(20, (statuses[204] or 0) + (statuses[503] or 0))
    assert.is_true(statuses[204] >= 1)
    assert.equal(204, status_of(send(body)))
    assert.equal("confirmed", state_of(id))
    assert.equal(1, asked(id))
  end)

  it("sends a duplicate away while the first is under way", function()
    local body, id = book()
    box:request("POST", "/_sandbox/faults", core.encode {
      match = "PUT /v2/bookings/*/confirm", what = "stall", when = "after", seconds = 1,
    })
    local first = send(body)
    repeat until asked(id) == 1
    assert.equal(503, status_of(send(body)))
    assert.equal(204, status_of(first))
    assert.equal(204, status_of(send(body)))
    assert.equal(1, asked(id))
  end)

  it("leaves what failed to the next delivery", function()
    local body, id = book()
    box:request("POST", "/_sandbox/faults", core.encode {
      match = "PUT /v2/bookings/*/confirm", what = "status", when = "before", status = 422, body = '{"error":"no"}',
    })
    assert.equal(500, status_of(send(body)))
    assert.equal("tentative", state_of(id))
    assert.equal(204, status_of(send(body)))
    assert.equal("confirmed", state_of(id))
    assert.equal(2, asked(id))
  end)

  it("takes it for done where somebody else has confirmed it", function()
    local body, id = book()
    assert(tk:booking(id):confirm())
    assert.equal(204, status_of(send(body)))
  end)

  it("verifies before it parses", function()
    local body, id = book()
    for _, case in ipairs {
      { body, ("0"):rep(64) }, { body, "" }, { body, signing.by_openssl("another secret", body) },
      { body .. " ", signing.by_openssl(SECRET, body) }, { "junk", ("0"):rep(64) }, { "{", "junk" }, { "", "" },
    } do
      assert.equal(401, status_of(send(case[1], case[2])))
    end
    assert.equal(401, status_of(running:ask("/timekit", body)))
    assert.equal(401, status_of(running:ask("/timekit")))
    local right = "x-timekit-signature: " .. signing.by_openssl(SECRET, body) .. "\r\n"
    assert.equal(401, status_of(running:ask("/timekit", body, "x-timekit-signature: x\r\n" .. right)))
    for _, junk in ipairs { "junk", "{", "[]", "null", '{"id":"b1"}' } do assert.equal(400, status_of(send(junk))) end
    assert.equal("tentative", state_of(id))
    assert.equal(0, asked(id))
  end)

  it("does nothing for test deliveries and for other states", function()
    local body, id = book { isTest = true }
    assert.equal(204, status_of(send(body)))
    assert.equal(204, status_of(send((book { state = "declined", completed = true }))))
    assert.equal("tentative", state_of(id))
    assert.equal(0, asked(id))
  end)

  it("takes bodies up to its limit, and no larger ones", function()
    local body, id = book { what = ("x"):rep(200 * 1024) }
    assert.equal(204, status_of(send(body)))
    assert.equal("confirmed", state_of(id))
    assert.equal(413, status_of(send((book { what = ("x"):rep(300 * 1024) }))))
  end)

  -- This test books last, because the sandbox goes on sending.
  it("takes what the sandbox sends", function()
    assert.equal(200, (box:request("POST", "/_sandbox/webhooks", core.encode {
      url = running.url .. "/timekit", secret = SECRET, graph = "confirm_decline", state = "tentative", is_test = true,
    })))
    local _, test_only = book()
    assert.equal(200, (box:request("POST", "/_sandbox/webhooks", core.encode {
      url = running.url .. "/timekit", secret = SECRET, graph = "confirm_decline", state = "tentative",
    })))
    local _, id = book()
    assert(tk:booking(id):wait_until("confirmed", { timeout = 15, every = 0.05 }))
    assert.equal("tentative", state_of(test_only))
  end)

  it("is ten lines", function()
    local count = select(2, EXAMPLE:match("content_by_lua_block {\n(.-)\n      }"):gsub("[^\n]+", ""))
    assert.is_true(count <= 10, count)
  end)
end)
