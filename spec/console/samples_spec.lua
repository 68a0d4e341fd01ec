-- The code that the console shows runs as it stands: it is taken from the page, and each program does what the request
-- did.
local browser = require "spec.support.browser"
local core = require "timekit.core"
local console = require "spec.support.console"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

-- Language → the end of its file's name, and what runs it.
local PROGRAMS = {
  { "lua", "lua", this_lua.command }, { "curl", "sh", "sh" }, { "javascript", "mjs", "node" },
  { "python", "py", "python3" }, { "php", "php", "php" },
}

local NO_PROXY = "env -u http_proxy -u HTTP_PROXY -u all_proxy -u ALL_PROXY"

local KEY = "test_key_of_samples"

-- Method, target and body of requests that a program may send by mistake. `target`: how it looks once all is encoded
-- that has to be; `encodes`: the module encodes more than that; `is_exact`: the body comes byte for byte; `lua`: what
-- the sample in Lua says instead.
local ODD = {
  { "GET", "/v2/bookings?a=\195\169", target = "/v2/bookings?a=%C3%A9" },
  { "GET", "/v2/bookings?b=x[1]&c={a,b}&constructor=1&__proto__=2&x=1?y=2", encodes = true },
  { "GET", "/v2/bookings/%zz", encodes = true },
  { "DELETE", "/v2/bookings/x", '{"constructor":1,"b":[{"0":{"1":2}}],"12":3}' },
  { "POST", "/v2/bookings", '{"a":12345678901234567890,"b":1e300,"__proto__":{"c":1}}', is_exact = true,
    lua = "numbers that Lua can hold" },
  { "POST", "/v2/bookings", '"text"', lua = "JSON objects and lists only" },
  { "POST", "/v2/bookings", "null", lua = "JSON objects and lists only" },
  { "POST", "/v2/bookings", "not 'JSON': $HOME `x` \\ \"y\"", is_exact = true, lua = "JSON objects and lists only" },
  { "POST", "/v2/bookings", "[1]" },
  { "GET", "/v2/bookings", '{"a":1}', lua = "no body with a GET" },
  { "OPTIONS", "/v2/bookings", lua = "GET, POST, PUT, PATCH, DELETE only" },
  { "GET", "/v2", lua = "below /v2 only" },
  { "POST", "/v2/bookings", ('{"graph":"instant","what":"%s"}'):format(("it's $HOME "):rep(18000)) },
  { "POST", "/v2/bookings", ("x"):rep(33000) .. "\n' $(id) `id`\n%s\\n", lua = "JSON objects and lists only" },
}

describe("a sample of the console", function()
  if not browser.is_there() then return pending "in a browser: chromium or chromedriver is not there" end

  local page = console.new("KEY=" .. KEY)
  local b = page.browser

  setup(function()
    page:start()
    page:open()
    b:type("credentials-key", KEY)
  end)
  teardown(function() page:close() end)
  before_each(function() page:ask("POST", "/_sandbox/reset") end)

  local function api(method, path, body)
    local connection = page.served:connect()
    connection:send(("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n\r\n%s"):format(
      method, path, page.served.host, "OnRlc3Rfa2V5X29mX3NhbXBsZXM=", #(body or ""), body or ""))
    local answer = require("spec.support.sandbox_server").read(connection)
    connection:close()
    return answer
  end

  local function create(what)
    local answer = api("POST", "/v2/bookings", ([[{"graph":"confirm_decline","what":%s,
      "start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z","meta":{"a b":[1,true,null,{}],"end":[]}}]]):format(
      core.encode(what)))
    return answer.body:match('"id":"([^"]+)"')
  end

  -- Takes a sample from the page and runs it.
  local function run(language, ending, program)
    b:click("sample-tab-" .. language)
    local code = b:text("sample-" .. language)
    assert.falsy(code:find(KEY, 1, true))
    local path = os.tmpname()
    local file = assert(io.open(path .. "." .. ending, "w"))
    file:write(code)
    file:close()
    local output = shell.must((NO_PROXY .. " TIMEKIT_APP_KEY=%s %s %s.%s"):format(KEY, program, path, ending))
    os.remove(path)
    os.remove(path .. "." .. ending)
    return output
  end

  local function latest()
    return page:ask("GET", "/_sandbox/requests?newest=1")[1]
  end

  -- The request of a program as it came, next to the one that it is to repeat.
  local function same_request(number)
    local function told(which)
      local full = page:ask("GET", "/_sandbox/requests/" .. which)
      return { full.method, full.target, full.body, full.status }
    end
    assert.is_true(latest().number > number)
    assert.same(told(number), told(latest().number))
  end

  local function is_there(program)
    return (shell.run("command -v " .. (program:match("%S+$") or program) .. " || " .. program .. " -v"))
  end

  -- A program has repeated an odd request.
  local function check_odd(odd, number, language, output)
    if language == "lua" and odd.lua then
      assert.equal("", output)
      page:sees("sample-lua", odd.lua)
      return
    end
    local what = language .. " " .. odd[2]
    local now, was = latest(), page:ask("GET", "/_sandbox/requests/" .. number)
    assert.same({ was.method, was.status }, { now.method, now.status }, what)
    if language ~= "lua" or not odd.encodes then assert.equal(odd.target or was.target, now.target, what) end
    local sent = page:ask("GET", "/_sandbox/requests/" .. now.number).request.body
    if not (language == "javascript" and odd[1] == "GET") and language ~= "lua" then
      assert.same(core.decode(odd[3] or "") or odd[3] or "", core.decode(sent) or sent, what)
    end
    if odd.is_exact then assert.equal(odd[3], sent, what) end
  end

  it("repeats any request, however odd, or says why the module cannot send it", function()
    for _, odd in ipairs(ODD) do
      api(odd[1], odd[2], odd[3])
      local number = latest().number
      page:open("#request=" .. number)
      b:find "sample-tab-lua"
      for _, case in ipairs(PROGRAMS) do
        local language, ending, program = case[1], case[2], case[3]
        if is_there(program) then
          local before = latest().number
          local output = run(language, ending, program)
          local is_sent = language ~= "lua" or not odd.lua
          assert.equal(before + (is_sent and 1 or 0), latest().number, language .. " " .. odd[2])
          check_odd(odd, number, language, output)
        end
      end
    end
  end)

  for _, case in ipairs(PROGRAMS) do
    local language, ending, program = case[1], case[2], case[3]
    describe("in " .. language, function()
      if not is_there(program) then
        pending("cannot be run: " .. program .. " is not there")
        return
      end

      it("performs the chosen action before the page has sent it", function()
        local id = create "Haircut"
        page:open("#booking=" .. id)
        b:click "action-decline"
        b:type("input-message", "Fully \"booked\": $HOME `x` 100% \\n 'é' €")
        b:choose("input-enabled", "true")
        page:sees("request-body", "Fully")
        assert.matches("declined", run(language, ending, program))
        local did = page:ask("GET", "/_sandbox/requests/" .. latest().number)
        assert.same({ "PUT", 200, { decline = {
          message = "Fully \"booked\": $HOME `x` 100% \\n 'é' €", enabled = true,
        } } }, { did.method, did.status, did.body })
        page:sees("booking-state", "declined")
      end)

      it("repeats a request of the history: one with a body, a search, and one without anything", function()
        create "It's \\ \"quoted\" $x"
        api("GET", "/v2/bookings?search=state:tentative%3Bgraph:confirm_decline&limit=2&include=meta")
        api("GET", "/v2/bookings/" .. page:ask("GET", "/_sandbox/bookings")[1].id)
        for number = 1, 3 do
          page:open("#request=" .. number)
          b:find "sample-tab-lua"
          run(language, ending, program)
          local again = latest()
          assert.equal(page:ask("GET", "/_sandbox/requests/" .. number).status, again.status)
          -- The module's own client asks for the same in its own order, and adds nothing.
          if language ~= "lua" then same_request(number) end
        end
        assert.equal(2, #page:ask("GET", "/_sandbox/bookings"))
        local bookings = page:ask("GET", "/_sandbox/bookings")
        assert.same(bookings[1].meta, bookings[2].meta)
      end)

      it("deletes, and says what was refused", function()
        local id = create "Haircut"
        page:open("#booking=" .. id)
        b:click "action-delete"
        assert.matches("Cannot apply action 'delete'", run(language, ending, program):gsub("\\u0027", "'"), 1, true)
        api("PUT", "/v2/bookings/" .. id .. "/decline", "{}")
        run(language, ending, program)
        assert.same({}, page:ask("GET", "/_sandbox/bookings"))
      end)
    end)
  end
end)
