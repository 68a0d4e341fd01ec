-- What the program prints: formats, terminals, colours, and a standard output that is gone.
local core = require "timekit.core"
local program = require "spec.support.program"

describe("the output", function()
  local world, id, other
  setup(function()
    world = program.new()
    id, other = world:booking(), world:booking "instant"
  end)
  teardown(function() world:close() end)

  local function prints(command)
    local status, out, err = world:run(command)
    assert.same({ 0, "" }, { status, err })
    return out
  end

  it("is the API's JSON, complete, with keys in a fixed order", function()
    local _, answer = world.box:request("GET", ("/v2/bookings/%s?include=attributes,customers"):format(id))
    local out = prints(("timekit get %s --include attributes,customers"):format(id))
    assert.same(answer.data, core.decode(out))
    assert.truthy(out:find('^{"id":"[^"]*","attributes":{"event_info":{"description":"","end":"[^\n]*}\n$'), out)
    assert.equal(out, prints(("timekit get %s --include attributes,customers -o json"):format(id)))
    assert.equal(out, prints(("timekit get %s --include customers,attributes -o jsonl"):format(id)))
  end)

  it("keeps empty arrays, nulls, and the digits of numbers", function()
    local out = prints(("timekit meta %s a:=[] b:={} c:=null d:=9007199254740991 e:=0.1 --include meta"):format(id))
    assert.truthy(out:find('"meta":{"a":[],"b":{},"c":null,"d":9007199254740991,"e":0.1}', 1, true), out)
  end)

  it("of a list is JSONL, or a JSON array, or ids, or a table", function()
    local lines = prints "timekit list"
    assert.equal(2, select(2, lines:gsub("[^\n]+\n", "")))
    assert.equal(("%s\n%s\n"):format(id, other), prints "timekit list -o id")
    local array = core.decode(prints "timekit list -o json")
    assert.same({ id, other }, { array[1].id, array[2].id })
    assert.equal("[]\n", prints "timekit list -o json --state nowhere")
    assert.equal("", prints "timekit list --state nowhere")
    assert.equal("", prints "timekit list --state nowhere -o table")
    assert.truthy(prints("timekit list -o table"):find(
      "^id                                    state      graph            updated_at\n" .. id:gsub("%-", "%%-")
      .. "  tentative  confirm_decline  20"))
    assert.equal(id .. "\n", prints("timekit get " .. id .. " -o id"))
  end)

  it("is lines of names and values, or a table, on a terminal", function()
    local status, out = world:on_terminal(("timekit get %s --include customers"):format(id))
    assert.equal(0, status)
    assert.truthy(out:find("\27[1mcustomers.0.name \27[0m  Marty McFly\n", 1, true), out)
    status, out = world:on_terminal "timekit list"
    assert.equal(0, status)
    local header = out:match "^[^\n]*"
    assert.equal("\27[1mid                                    state      graph\27[0m", header)
    assert.truthy(select(2, world:on_terminal("timekit list", 200)):find "updated_at")
    assert.truthy(select(2, world:on_terminal("timekit list --include customers,attributes", 200)):find(
      "start                      customer     updated_at"))
  end)

  it("has colours on a terminal alone, and none where NO_COLOR is set", function()
    local get = "timekit get " .. id
    assert.falsy(prints(get .. " -o table"):find "\27")
    assert.truthy(prints(get .. " -o table --color always"):find "\27")
    assert.falsy(select(2, world:on_terminal("export NO_COLOR=1; " .. get)):find "\27")
    assert.falsy(select(2, world:on_terminal(get .. " --color never")):find "\27")
    assert.truthy(select(2, world:on_terminal("export NO_COLOR=1; " .. get .. " --color always")):find "\27")
    assert.falsy(select(2, world:on_terminal("export TERM=dumb; " .. get)):find "\27")
    assert.truthy(select(2, world:on_terminal "timekit get nobody"):find("^\27%[31mtimekit: not_found:\27%[0m "))
  end)

  it("shows nothing on a terminal that the terminal would act on", function()
    local evil = world:booking("instant", { what = "\27]0;owned\7\194\155x\r\nnext" })
    local _, out = world:on_terminal(("timekit get %s --include attributes --color never"):format(evil))
    assert.falsy(out:find "[\27\7\r]")
    assert.truthy(out:find("what +%]0;owned  x  next\n") or out:find("what + %]0;owned  x  next\n"), out)
  end)

  it("has results on standard output, and all else on standard error", function()
    local booking = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
    local status, out, err = world:run("timekit confirm " .. booking)
    assert.equal(0, status)
    assert.equal("confirmed", core.decode(out).state)
    assert.equal("timekit: the answer was lost; reading the booking showed that it is done\n", err)
    booking = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
    assert.same({ 0, "", "" }, { world:run("timekit confirm -q " .. booking .. " > /dev/null") })
  end)

  it("of an error is one line, and JSON with -o json", function()
    local status, out, err = world:run "timekit get nobody"
    assert.same({ 5, "" }, { status, out })
    assert.truthy(err:find "^timekit: not_found: [^\n]+\n$", err)
    for _, format in ipairs { "-o json", "-ojson", "-o jsonl" } do
      status, out, err = world:run("timekit get nobody " .. format)
      assert.same({ 5, "" }, { status, out })
      local decoded = core.decode(err)
      assert.same({ "not_found", 404, "yes" }, { decoded.kind, decoded.status, decoded.sent })
    end
    status, out, err = world:run "timekit get -o json"
    assert.same({ 2, "", "usage" }, { status, out, core.decode(err).kind })
    local booking = world:booking()
    world:fault { match = "PUT /v2/bookings/*/confirm", when = "after", what = "close" }
    status, out, err = world:run(("timekit confirm %s -o json --uncertain report"):format(booking))
    local decoded = core.decode(err)
    assert.same({ 7, "", "uncertain", "network" }, { status, out, decoded.kind, decoded.cause.kind })
  end)

  it("does not end a list that failed", function()
    local many = program.new()
    for _ = 1, 3 do many:booking() end
    many:fault { match = "GET /v2/bookings", when = "before", what = "status", status = 404 }
    local status, out = many:run "timekit list -o json"
    assert.same({ 5, "" }, { status, out })
    many:close()
  end)

  it("that is closed or full is a failure, unless a signal ends the program as it does others", function()
    local status, _, err = world:run(("timekit get %s > /dev/full"):format(id))
    assert.equal(1, status)
    assert.equal("timekit: failed: done, but the result cannot be written: No space left on device\n", err)
    status, _, err = world:run(("timekit get %s >&-"):format(id))
    assert.equal(1, status)
    assert.truthy(err:find "^timekit: failed: [^\n]*the result cannot be written: [^\n]+\n$", err)
    -- Runs it once the reader of its output has gone away.
    local function unheard(command)
      return world:run(("{ until [ -e gone ]; do sleep 0.01; done; %s; } | (exec <&-; : > gone); "
        .. "code=${PIPESTATUS[0]}; rm gone; exit $code"):format(command))
    end
    status, _, err = unheard "trap '' PIPE; timekit list"
    assert.equal(1, status)
    assert.truthy(err:find "^timekit: failed: [^\n]*the result cannot be written: Broken pipe\n$", err)
    status, _, err = unheard "env --default-signal=PIPE timekit list"
    assert.same({ 141, "" }, { status, err })
    status = world:run "timekit --help > /dev/full"
    assert.equal(1, status)
    status = world:run "timekit --version > /dev/full"
    assert.equal(1, status)
  end)
end)
