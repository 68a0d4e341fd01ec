-- What each command of the program does at Timekit, as the sandbox has seen it.
local core = require "timekit.core"
local program = require "spec.support.program"
local timekit = require "timekit"

describe("the command", function()
  local world
  setup(function() world = program.new() end)
  teardown(function() world:close() end)

  -- What a command prints on success, decoded.
  local function result(command)
    local status, out, err = world:run(command)
    assert.same({ 0, "" }, { status, err })
    return core.decode(out), out
  end

  local function last_request()
    local _, answer = world.box:request("GET", "/_sandbox/requests")
    return answer.data[#answer.data]
  end

  it("action performs any action, with inputs", function()
    local id = world:booking()
    assert.equal("declined", result(("timekit action %s decline message=Full"):format(id)).state)
    local request = last_request()
    assert.same({ "PUT", ("/v2/bookings/%s/decline"):format(id) }, { request.method, request.target })
    assert.same({ decline = { message = "Full" } }, request.body)
    id = world:booking()
    assert.equal("confirmed", result("timekit confirm " .. id).state)
    assert.equal("cancelled", result(("printf Closed | timekit cancel %s message=-"):format(id)).state)
    assert.same({ cancel = { message = "Closed" } }, last_request().body)
  end)

  it("action sends an id and an action as one segment of the path each", function()
    world:run "timekit action 'a/b?c#d' 'e f'"
    assert.equal("/v2/bookings/a%2Fb%3Fc%23d/e%20f", last_request().target)
    world:run "timekit confirm 'ä'"
    assert.equal("/v2/bookings/%C3%A4/confirm", last_request().target)
    world:run "timekit confirm -- --timeout"
    assert.equal("/v2/bookings/--timeout/confirm", last_request().target)
  end)

  it("action takes the options of all commands, wherever they stand", function()
    local id = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "before", what = "status", status = 429, times = 2 }
    assert.equal(6, (world:run("timekit --retries 0 confirm " .. id)))
    assert.equal(6, (world:run(("timekit confirm --retries=0 %s"):format(id))))
    local booking = result(("timekit confirm %s --include customers"):format(id))
    assert.equal("Marty McFly", booking.customers[1].name)
  end)

  it("can lists what is possible, and tells of one action", function()
    local id = world:booking()
    assert.equal('"confirm"\n"decline"\n', select(2, result("timekit can " .. id)))
    assert.equal("confirm\ndecline\n", select(2, result(("timekit can %s -o table"):format(id))))
    assert.same({ 0, "", "" }, { world:run(("timekit can %s confirm"):format(id)) })
    assert.equal(3, (world:run(("timekit can %s cancel"):format(id))))
    assert.equal(5, (world:run "timekit can nobody cancel"))
  end)

  it("list walks through the pages, up to its limit", function()
    local many = program.new()
    for index = 1, 120 do many:booking(index <= 60 and "instant" or nil) end
    local function count(options)
      local status, out, err = many:run("timekit list -o id " .. options)
      assert.same({ 0, "" }, { status, err })
      return select(2, out:gsub("[^\n]+\n", ""))
    end
    assert.same({ 50, 7, 0 }, { count "", count "--limit 7", count "--limit 0" })
    assert.same({ 110, 120 }, { count "--limit 110", count "--all" })
    assert.same({ 60, 0 }, { count "--all --state tentative", count "--all --state tentative --graph instant" })
    assert.same({ 120, 0 }, { count "--all --search 'customer.name=Mar*'", count "--search customer.name=Doc" })
    assert.equal(2, (many:run "timekit list --state a --search state=b"))
    assert.equal(1, (many:run "timekit list --order-by nothing"))
    local _, out = many:run "timekit list --order-by state --limit 1"
    assert.equal("confirmed", core.decode(out).state)
    many:close()
  end)

  it("create makes a booking of fields, of a file, and of both", function()
    local fields = "what=Haircut where=Here customer.name=Marty customer.email=marty@timekit.io "
      .. "start=2030-03-01T08:00:00Z end=2030-03-01T09:00:00Z"
    assert.equal("tentative", result("timekit create graph=confirm_decline " .. fields).state)
    assert.same({ name = "Marty", email = "marty@timekit.io" }, last_request().body.customer)
    world:write("booking.json", '{"graph":"instant","meta":{"seats":2}}')
    assert.equal("confirmed", result("timekit create @booking.json " .. fields).state)
    assert.same({ seats = 2 }, last_request().body.meta)
    world:fault { match = "POST /v2/bookings", when = "after", what = "close" }
    assert.equal(7, (world:run("timekit create graph=instant " .. fields)))
  end)

  it("meta, reschedule and delete change a booking", function()
    local id = world:booking "instant"
    assert.same({ table_number = 7, note = "x" }, result(
      ("timekit meta %s table_number:=7 note=x --include meta"):format(id)).meta)
    local moved = result(("timekit reschedule %s start=2030-03-02T08:00:00+00:00 end=2030-03-02T09:00:00+00:00 "
      .. "--include attributes"):format(id))
    assert.equal("2030-03-02T08:00:00+00:00", moved.attributes.event_info.start)
    assert.equal(1, (world:run("timekit delete " .. id)))
    world:run("timekit cancel " .. id)
    assert.same({ id = id, deleted = true }, result("timekit delete " .. id))
    assert.equal(5, (world:run("timekit get " .. id)))
  end)

  it("wait waits for a state, and gives up when it is out of reach", function()
    local id = world:booking()
    local started = world:start_on_terminal(("timekit wait %s confirmed --every 0.05 --timeout 20 -o json"):format(id))
    world:await_request("GET /v2/bookings/" .. id)
    world.box:request("PUT", ("/v2/bookings/%s/confirm"):format(id))
    local status, shown = started.finish()
    assert.equal(0, status)
    assert.truthy(shown:find('"state": "confirmed"', 1, true), shown)
    local _
    status, _, shown = world:run(("timekit wait %s declined --timeout 20"):format(id))
    assert.equal(1, status)
    assert.truthy(shown:find("is out of reach", 1, true), shown)
    assert.equal(3, (world:run(("timekit can %s confirm"):format(id))))
  end)

  it("graph draws a graph, and lists them", function()
    local _, text = world:run "timekit graph confirm_decline"
    assert.equal(timekit.graphs.confirm_decline:picture { format = "text" }, text)
    for _, format in ipairs { "dot", "mermaid", "svg" } do
      local status, out = world:run("timekit graph confirm_decline --state confirmed -o " .. format)
      assert.equal(0, status)
      assert.equal(timekit.graphs.confirm_decline:picture { format = format, state = "confirmed" }, out)
    end
    local data = result "timekit graph confirm_decline -o json"
    assert.same({ "confirm_decline", "initialized", "create" }, { data.name, data.initial, data.first })
    local _, ids = world:run "unset TIMEKIT_APP_KEY; timekit graph -o id"
    local names = {}
    for name in pairs(timekit.graphs) do names[#names + 1] = name end
    table.sort(names)
    assert.equal(table.concat(names, "\n") .. "\n", ids)
    assert.truthy(select(2, world:run "timekit graph -o json"):find('"id":"reservation","actions":[]', 1, true))
  end)

  it("link makes a link that works once, and checks links", function()
    local id = world:booking "instant"
    local _, link = world:run(("timekit link %s cancel_by_customer --redirect https://example.com/x"):format(id))
    link = link:match "[^\n]+"
    assert.equal(link, result(
      ("timekit link %s cancel_by_customer --redirect https://example.com/x -o json"):format(id)).url)
    assert.same({ id = id, action = "cancel_by_customer", redirect = "https://example.com/x" },
      result(("timekit link --verify '%s'"):format(link)))
    local status, _, err = world:run(("TIMEKIT_APP_KEY=another timekit link --verify '%s'"):format(link))
    assert.same({ 1, true }, { status, err:find "^timekit: failed: the link: its token: " ~= nil })
    assert.truthy(world:run(("curl -s '%s'"):format(link)))
    assert.equal("cancelled_by_customer", result("timekit get " .. id).state)
    assert.equal(2, (world:run(("timekit link %s cancel --verify x"):format(id))))
    assert.equal(2, (world:run(("timekit link %s cancel --redirect ftp://x"):format(id))))
  end)

  it("request sends anything", function()
    local id = world:booking "instant"
    assert.equal(id, result("timekit request get /bookings/" .. id).id)
    local page = result "timekit request GET /bookings limit=1 orderBy=state -o json"
    assert.same({ 1, 1 }, { #page.data, page.current_page })
    assert.equal("/v2/bookings?limit=1&orderBy=state", last_request().target)
    local _, lines = result "timekit request GET /bookings limit=1"
    assert.equal(1, select(2, lines:gsub("[^\n]+\n", "")))
    assert.equal("cancelled", result(("timekit request PUT /bookings/%s/cancel cancel.message=x"):format(id)).state)
    assert.same({ cancel = { message = "x" } }, last_request().body)
    assert.same({ 0, "", "" }, { world:run("timekit request DELETE /bookings/" .. id) })
    assert.equal(2, (world:run "timekit request GET /bookings a.b=c"))
    local status, _, err = world:run "timekit request GET '/bookings?a=b'"
    assert.same({ 2, "a query is given as NAME=VALUE" }, { status, err:match "a query .* NAME=VALUE" })
    world:fault { match = "POST /v2/bookings", when = "after", what = "close" }
    assert.equal(7, (world:run "timekit request POST /bookings a=b"))
  end)

  it("sandbox serves one, until Ctrl-C, and takes the key and the names that it is told", function()
    local started = world:start_on_terminal
      "timekit sandbox --port 0 --key right_key --allow-host sandbox --allow-host Other.example"
    started.await "/v2"
    local url = world:read("shown"):match "timekit sandbox on (http://[%d.:]+/v2)"
    local status, _, err = world:run(("TIMEKIT_BASE_URL=%s TIMEKIT_APP_KEY=right_key timekit list"):format(url))
    assert.same({ 0, "" }, { status, err })
    assert.equal(4, (world:run(("TIMEKIT_BASE_URL=%s timekit list"):format(url))))
    for name, code in pairs { sandbox = "200", ["other.example"] = "200", ["evil.example"] = "403" } do
      assert.equal(code, select(2, world:run(("curl -s -o answer -w '%%{http_code}' -H 'Host: %s' %s"):format(
        name, url:match "^(.*)/v2$" .. "/_sandbox/health"))))
    end
    local port = url:match ":(%d+)/"
    status, _, err = world:run("timekit sandbox --port " .. port)
    assert.same({ 1, true }, { status, err:find "^timekit: failed: cannot listen on 127.0.0.1:" ~= nil })
    started.type "\3"
    assert.equal(130, (started.finish()))
    assert.equal(2, (world:run "timekit sandbox --port 70000"))
  end)

  it("sandbox shows its console in a browser, where there is a desktop", function()
    world:write("xdg-open", "#!/bin/sh\necho \"$1\" > opened\n")
    local started = world:start_on_terminal(
      "chmod +x xdg-open; DISPLAY=:9 PATH=$PWD:$PATH timekit sandbox --port 0 --open")
    started.await "console for people on"
    local address = world:read("shown"):match "console for people on (http://[%d.:]+/)"
    program.await("the browser is not opened", function() return (world:read "opened" or ""):find "\n" end)
    assert.equal(address .. "\n", world:read "opened")
    started.type "\3"
    assert.equal(130, (started.finish()))
    started = world:start_on_terminal "env -u DISPLAY -u WAYLAND_DISPLAY timekit sandbox --port 0 --open"
    started.await "there is no desktop"
    started.type "\3"
    assert.equal(130, (started.finish()))
  end)

  it("is loaded when it is used, and no other", function()
    world:write("probe.lua", [[
local code = require("timekit.cli.main").run { "can", "x", "--base-url", "http://127.0.0.1:1", "--retries", "0" }
local names = {}
for name in pairs(package.loaded) do
  if name:find "^timekit%.cli%.commands%." then names[#names + 1] = name end
end
print(code, table.concat(names, " "))
]])
    local _, out = world:run(world.lua .. " probe.lua")
    assert.equal("6\ttimekit.cli.commands.can\n", out)
  end)
end)
