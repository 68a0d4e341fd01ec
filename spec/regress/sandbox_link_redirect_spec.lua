-- A user saw: a link of the sandbox's that led where the client refuses to lead, or that answered a browser with JSON.
local timekit = require "timekit"

local KEY = "test_api_key_1"

describe("an action link of the sandbox", function()
  local box, tk, handle, target

  before_each(function()
    box = timekit.sandbox.new { app_key = KEY }
    tk = timekit.new { app_key = KEY, transport = box }
    handle = tk:booking(assert(tk:create_booking {
      graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    }))
    target = assert(handle:link "cancel"):gsub("^https://[^/]*", "")
  end)

  local function refuses(status, asked)
    local answer = box:handle { method = "GET", target = asked }
    assert.equal(status, answer.status, asked)
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.is_nil(answer.headers.location)
    assert.equal("confirmed", assert(handle:get()).state)
  end

  it("leads to no redirect with credentials, or a host that is none", function()
    for _, redirect in ipairs {
      "https://user@example.com", "https://example.com@evil.example/", "https://example.com%40evil.example/",
      "https://user:password@example.com", "http://[::1", "http://[x]/", "http://example.com:99999", "http://a:1:2",
      "https://example.com/" .. ("x"):rep(5000),
    } do
      refuses(422, target .. "&redirect=" .. redirect)
    end
  end)

  it("is refused with a page where it is not valid UTF-8", function()
    refuses(403, target .. "%ff")
    refuses(403, (target:gsub("/cancel", "/cancel%%ff")))
    refuses(403, (target:gsub("bookings/", "bookings/%%ff")))
  end)

  it("is not kept from its work by what it does not ask for", function()
    target = target .. "&include=nothing&redirect=https://x/%ff"
    local answer = box:handle { method = "GET", target = target, body = "{" }
    assert.same({ 302, "https://x/%FF" }, { answer.status, answer.headers.location })
    assert.equal("cancelled", assert(handle:get()).state)
  end)
end)
