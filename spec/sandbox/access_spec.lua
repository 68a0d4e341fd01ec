-- Who may ask a sandbox that is served: hosts, origins, preflights, addresses, and a rate limit from the environment.
local access = require "timekit.sandbox.served.access"
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"

local CREATE = [[{"graph":"confirm_decline","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]

-- Sends a request with the headers that are given, and no others.
local function ask(served, method, path, headers, body)
  local connection = served:connect()
  local lines = { ("%s %s HTTP/1.1"):format(method, path) }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  if body then lines[#lines + 1] = "Content-Length: " .. #body end
  connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
  local answer = server.read(connection, method == "HEAD")
  connection:close()
  return answer
end

describe("a browser at the sandbox", function()
  local served, own

  setup(function()
    served = server.start()
    own = "http://" .. served.host
  end)
  teardown(function() served:close() end)
  before_each(function() assert.equal(200, (served:request("POST", "/_sandbox/reset"))) end)

  it("hears yes when it asks whether a page of another origin may use the API", function()
    local answer = ask(served, "OPTIONS", "/v2/bookings/x/confirm", {
      Host = served.host, Origin = "http://localhost:3000", ["Access-Control-Request-Method"] = "PUT",
      ["Access-Control-Request-Headers"] = "authorization,content-type,timekit-timezone",
    })
    assert.equal(204, answer.status)
    assert.equal("*", answer.headers["access-control-allow-origin"])
    assert.matches("PUT", answer.headers["access-control-allow-methods"])
    assert.equal("authorization,content-type,timekit-timezone", answer.headers["access-control-allow-headers"])
    answer = ask(served, "OPTIONS", "/v2", { Host = served.host, Origin = "null" })
    assert.matches("Authorization", answer.headers["access-control-allow-headers"])
    -- It does not count as a request to the API: it is not in the history, and meets no fault.
    served:request("POST", "/_sandbox/faults", '{"what":"close"}')
    assert.equal(204, ask(served, "OPTIONS", "/v2", { Host = served.host, Origin = "null" }).status)
    local _, requests = served:request("GET", "/_sandbox/requests")
    assert.same({}, requests.data)
  end)

  it("may show a page of any origin what the API answers, faults and refusals too", function()
    local headers = { Host = served.host, Origin = "https://example.com", Authorization = "Basic OmtleQ==" }
    local answer = ask(served, "GET", "/v2/bookings", headers)
    assert.equal(200, answer.status)
    assert.equal("*", answer.headers["access-control-allow-origin"])
    assert.matches("x-ratelimit-remaining", answer.headers["access-control-expose-headers"], 1, true)
    for fault, status in pairs {
      ['{"what":"status","status":503}'] = 503, ['{"what":"stall","when":"before","seconds":0.01}'] = 200,
      ['{"what":"stall","when":"after","seconds":0.01}'] = 200,
    } do
      served:request("POST", "/_sandbox/faults", fault)
      answer = ask(served, "GET", "/v2/bookings?limit=1", headers)
      assert.same({ status, "*" }, { answer.status, answer.headers["access-control-allow-origin"] })
    end
    answer = ask(served, "GET", "/v2/bookings", { Host = served.host, Origin = "https://example.com" })
    assert.same({ 401, "*" }, { answer.status, answer.headers["access-control-allow-origin"] })
  end)

  it("is refused the control, and everything else beside the API, for a page of another origin", function()
    for _, origin in ipairs {
      "http://localhost:3000", "null", "https://" .. served.host, "http://127.0.0.1", own .. ".example.com", "\255",
      "http://localhost:" .. served.port,
    } do
      for path, method in pairs {
        ["/_sandbox/reset"] = "POST", ["/_sandbox/requests"] = "GET", ["/"] = "GET", ["/_sandbox/clock"] = "OPTIONS",
        ["/v2x"] = "GET",
      } do
        local answer = ask(served, method, path, { Host = served.host, Origin = origin })
        assert.equal(403, answer.status, origin .. path)
        assert.is_nil(answer.headers["access-control-allow-origin"])
        assert.is_string(core.decode(answer.body).error)
      end
    end
    local answer = ask(served, "POST", "/_sandbox/reset", { Host = served.host, Origin = own })
    assert.equal(200, answer.status)
    assert.is_nil(answer.headers["access-control-allow-origin"])
  end)

  it("is refused everywhere under a name that is not the sandbox's", function()
    for _, host in ipairs {
      "evil.example", "evil.example:" .. served.port, "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1",
      "[::2]", "x", "127.0.0.1@evil.example", "\255", "[::1", "169.254.1.1:" .. served.port,
    } do
      for _, path in ipairs { "/v2/bookings", "/_sandbox/reset", "/" } do
        local answer = ask(served, "POST", path, { Host = host, Origin = "http://" .. host })
        assert.equal(403, answer.status, host)
        assert.matches("ALLOW_HOST", core.decode(answer.body).error)
      end
    end
    for _, host in ipairs { "localhost:" .. served.port, "LOCALHOST", "127.0.0.1", "127.9.9.9:1", "[::1]:8808" } do
      assert.equal(200, ask(served, "GET", "/_sandbox/health", { Host = host }).status, host)
    end
    -- Browsers always send one.
    assert.equal(200, ask(served, "GET", "/_sandbox/health", {}).status)
    assert.equal(0, #select(2, served:request("GET", "/_sandbox/requests")).data)
  end)
end)

describe("the sandbox's program", function()
  it("serves on the address that HOST names, under every address and the names of ALLOW_HOST", function()
    local served = server.start("HOST=0.0.0.0 ALLOW_HOST=sandbox,other.example")
    assert.matches("^timekit sandbox on http://0%.0%.0%.0:%d+/v2$", served.line)
    local function status(host) return ask(served, "GET", "/_sandbox/health", { Host = host }).status end
    for _, host in ipairs { "sandbox:8808", "Other.Example", "192.168.1.5:8808", "[fe80::1]:8808", "0.0.0.0" } do
      assert.equal(200, status(host), host)
    end
    assert.equal(403, status("evil.example"))
    -- Addresses in answers are those that the client knows.
    for _ = 1, 2 do served:request("POST", "/v2/bookings", CREATE) end
    served.host = "sandbox:9000"
    local _, listed = served:request("GET", "/v2/bookings?limit=1")
    assert.equal("http://sandbox:9000/v2/bookings?limit=1&page=2", listed.next_page_url)
    served:close()
  end)

  it("limits its rate as the environment says", function()
    local served = server.start("RATE_PER_DAY=2")
    local function status() return (served:request("GET", "/v2/bookings")) end
    assert.same({ 200, 200, 429 }, { status(), status(), status() })
    served:close()
    served = server.start("RATE_PER_MINUTE=2 RATE_BURST=1")
    assert.same({ 200, 503 }, { status(), status() })
    served:close()
  end)

  it("says what is wrong with its environment", function()
    for environment, expected in pairs {
      ["RATE_PER_MINUTE=x"] = "RATE_PER_MINUTE: expected a number up to 1000000000, got x",
      ["RATE_PER_DAY=0"] = "rate_limit: per_day: expected a whole number from 1",
      ["RATE_BURST=5"] = "rate_limit: burst: means nothing without per_minute",
      ["HOST=192.0.2.1"] = "cannot listen on 192.0.2.1:0",
    } do
      local pipe = io.popen(("timeout 20 %s < /dev/null 2>&1; echo status $?"):format(
        server.command("PORT=0 UNTIL_EOF=1 " .. environment)))
      local output = pipe:read("*a")
      pipe:close()
      assert.matches(expected, output, 1, true)
      assert.matches("status 1", output)
    end
  end)
end)

describe("the rules of access", function()
  it("know the host that the sandbox listens on", function()
    local rules = access.new("sandbox.local", {})
    local function refused(host)
      local answer = rules:answer { method = "GET", target = "/v2/bookings", headers = {}, host = host }
      return answer and answer.status
    end
    assert.same({ nil, nil, 403, 403 }, { refused("sandbox.local"), refused("SANDBOX.local.:80"), refused("10.0.0.1"),
      refused("") })
  end)
end)
