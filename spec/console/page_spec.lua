-- The files of the console, as any client gets them.
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"

local FOLDER = "lua/timekit/sandbox/console/"

describe("the console's page", function()
  local served

  setup(function() served = server.start() end)
  teardown(function() served:close() end)

  local function get(path, method, headers)
    local connection = served:connect()
    connection:send(("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n"):format(method or "GET", path, served.host, headers or ""))
    local answer = server.read(connection, method == "HEAD")
    connection:close()
    return answer
  end

  local function files()
    local names = {}
    for name in shell.must("ls " .. FOLDER):gmatch("%S+") do names[#names + 1] = name end
    return names
  end

  it("is served at the root, without a key, and leaves no trace in the history", function()
    local answer = get "/"
    assert.equal(200, answer.status)
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.matches("^<!doctype html>", answer.body)
    assert.equal("", get("/", "HEAD").body)
    local _, requests = served:request("GET", "/_sandbox/requests")
    assert.same({}, requests.data)
  end)

  it("may run its own scripts only, and stand in no frame", function()
    local policy = get("/").headers["content-security-policy"]
    for _, rule in ipairs { "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
      "frame-ancestors 'none'", "base-uri 'none'" } do
      assert.matches(rule, policy, 1, true)
    end
    assert.falsy(policy:find("unsafe", 1, true))
    assert.equal("nosniff", get("/").headers["x-content-type-options"])
    assert.falsy(get("/").body:find("<script[^>]*>[^<]"))
    assert.falsy(get("/").body:find("<style", 1, true))
    assert.falsy(get("/").body:find(" on%a+="))
    assert.falsy(get("/").body:find(" style=", 1, true))
  end)

  it("loads nothing from elsewhere", function()
    for _, name in ipairs(files()) do
      local text = get(name == "index.html" and "/" or "/console/" .. name).body
      for address in text:gmatch("https?://[%w.]+") do
        -- The namespace of SVG, and an example.
        assert.truthy(address == "http://www.w3.org" or address == "http://127.0.0.1", address)
      end
    end
  end)

  it("is smaller than 100 KB, all its files together", function()
    local size = 0
    for _, name in ipairs(files()) do
      local answer = get("/console/" .. name)
      assert.equal(200, answer.status, name)
      size = size + #answer.body
    end
    assert.is_true(size < 100 * 1000, size .. " bytes")
  end)

  it("has its files only", function()
    for _, path in ipairs {
      "/console/", "/console/../server.lua", "/console/%2e%2e/server.lua", "/console/nothing.js", "/console/init.lua",
      "/console//etc/passwd", "/console/main.js%00",
    } do
      local answer = get(path)
      assert.equal(404, answer.status, path)
      assert.is_string(core.decode(answer.body).error)
    end
    assert.equal(405, get("/", "POST", "Content-Length: 0\r\n").status)
    assert.equal("GET, HEAD", get("/", "DELETE").headers.allow)
  end)

  it("is for pages of its own origin, and under its own names", function()
    for _, path in ipairs { "/", "/console/main.js" } do
      assert.equal(403, get(path, "GET", "Origin: http://evil.example\r\n").status)
      assert.equal(200, get(path, "GET", ("Origin: http://%s\r\n"):format(served.host)).status)
      local connection = served:connect()
      connection:send(("GET %s HTTP/1.1\r\nHost: evil.example\r\n\r\n"):format(path))
      assert.equal(403, server.read(connection).status)
      connection:close()
    end
  end)
end)
