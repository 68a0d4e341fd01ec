-- `timekit webhook`: a delivery is verified, stored before it is answered, handed on, and sent again when asked for.
local core = require "timekit.core"
local program = require "spec.support.program"
local signing = require "spec.support.signing"

local SECRET = "s3cret"
local BODY = '{"id":"b1","graph":"instant","state":"confirmed","customers":[{"name":"M\\u00e4rty"}]}'

describe("webhooks", function()
  local world, pid
  before_each(function()
    world = program.new()
    world:write("secret", SECRET .. "\n")
    world:write("delivery.json", BODY)
  end)

  -- Ends the receiver and waits until it has ended. A shell of its own waits for it: its number stays taken until the
  -- first process of the system has asked for its status, which takes seconds in some containers, or for ever.
  local function stop(signal)
    if pid then
      world:run(("kill -%s %s"):format(signal or "KILL", pid))
      world.await("the receiver does not end", function() return world:read "ended" end)
    end
    pid = nil
  end

  after_each(function()
    stop()
    world:close()
  end)

  local signature = signing.by_openssl(SECRET, BODY)

  -- Starts a receiver, after shell commands `before`; returns its URL.
  local function listen(options, before)
    world:write("noted", "")
    world:run(([[
      rm -f ended
      { ( echo $BASHPID > pid; %sexec timekit webhook listen --secret-file secret --port 0 %s > heard 2> noted )
        echo > ended; } &]]):format(before or "", options or ""))
    local url
    world.await("no receiver", function()
      url = world:read("noted"):match "receiving webhooks on (http://[%d.:]+/)"
      return url
    end)
    pid = world:read("pid"):match "%d+"
    return url
  end

  -- Sends a delivery; returns the status of the answer.
  local function deliver(url, signed)
    local _, out = world:run(("curl -s -o answer -w '%%{http_code}' -H 'x-timekit-signature: %s' --data-binary "
      .. "@delivery.json %s"):format(signed or signature, url))
    return tonumber(out)
  end

  local STORE = ".local/state/timekit/deliveries.jsonl"

  it("are verified", function()
    local function verify(signed)
      return (world:run(
        ("timekit webhook verify --secret-file secret --signature '%s' < delivery.json"):format(signed)))
    end
    assert.same({ 0, 0, 1, 1, 1 }, {
      verify(signature), verify(signature:upper()), verify(signature:sub(2)), verify "", verify(("0"):rep(64)),
    })
    assert.equal(0, (world:run(
      ("TIMEKIT_WEBHOOK_SECRET=%s timekit webhook verify --signature %s < delivery.json"):format(SECRET, signature))))
    world:run "mkdir -p .config/timekit"
    world:write(".config/timekit/config", "[hooks]\nwebhook_secret = " .. SECRET .. "\n")
    world:run "chmod 600 .config/timekit/config"
    assert.equal(0, (world:run(
      ("timekit webhook verify --profile hooks --signature %s < delivery.json"):format(signature))))
  end)

  it("are answered once they are stored, and printed", function()
    local url = listen()
    assert.equal(200, deliver(url))
    assert.same({ stored = 1 }, core.decode(world:read "answer"))
    local stored = core.decode(world:read(STORE))
    assert.same({ 1, BODY, signature }, { stored.n, stored.body, stored.signature })
    world.await("nothing was printed", function() return world:read("heard"):find "\n" end)
    assert.same(core.decode(BODY), core.decode(world:read "heard").body)
    assert.equal(200, deliver(url .. "any/path?x=y"))
    assert.same({ stored = 2 }, core.decode(world:read "answer"))
    local _, mode = world:run("stat -c %a " .. STORE)
    assert.equal("600\n", mode)
  end)

  it("are refused with a wrong signature, and without one", function()
    local url = listen()
    assert.equal(401, deliver(url, ("0"):rep(64)))
    assert.equal(401, deliver(url, ""))
    assert.equal("405", select(2, world:run("curl -s -o /dev/null -w '%{http_code}' " .. url)))
    assert.equal("", world:read(STORE))
  end)

  it("survive kill -9 right after the answer, and can be sent again", function()
    for round = 1, 8 do
      local url = listen "--forward http://127.0.0.1:1/hook"
      assert.equal(200, deliver(url))
      stop "KILL"
      assert.same({ stored = round }, core.decode(world:read "answer"))
    end
    local lines = 0
    for line in world:read(STORE):gmatch "[^\n]+" do
      lines = lines + 1
      assert.same({ lines, BODY }, { core.decode(line).n, core.decode(line).body })
    end
    assert.equal(8, lines)
    world:fault { match = "POST /v2/hook", when = "before", what = "status", status = 204 }
    local status, _, err = world:run(("timekit webhook replay 8 --forward %s/hook"):format(world.box.url))
    assert.same({ 0, "timekit: delivery 8: status 204\n" }, { status, err })
    world:await_request "POST /v2/hook"
    local _, answer = world.box:request("GET", "/_sandbox/requests")
    for _, request in ipairs(answer.data) do
      if request.target == "/v2/hook" then assert.same(core.decode(BODY), request.body) end
    end
    assert.equal(5, (world:run "timekit webhook replay 9 --exec true"))
  end)

  it("are numbered on after a line that a kill cut off", function()
    deliver(listen())
    stop()
    world:write(STORE, world:read(STORE) .. '{"n":2,"body":"{')
    deliver(listen())
    assert.same({ stored = 3 }, core.decode(world:read "answer"))
    assert.equal(5, (world:run "timekit webhook replay 2 --exec true"))
    assert.same({ 0, BODY, "" }, { world:run "timekit webhook replay 3 -q --exec 'cat > replayed'; cat replayed" })
  end)

  it("have numbers of their own, since no second receiver stores to the same file", function()
    listen()
    local status, _, err = world:run "timeout 10 timekit webhook listen --secret-file secret --port 0"
    assert.same({ 2, "--store names another file" }, { status, err:match "another .* there: (.*)\n" })
  end)

  it("are not answered when they cannot be stored", function()
    -- No file may grow beyond 1,024 bytes.
    local url = listen("", "trap '' XFSZ; ulimit -f 1; ")
    local answers = {}
    for index = 1, 8 do answers[index] = deliver(url) end
    assert.same({ 200, 500 }, { answers[1], answers[8] })
    local stored = 0
    for _, status in ipairs(answers) do stored = stored + (status == 200 and 1 or 0) end
    assert.truthy(world:read("noted"):find "a delivery cannot be stored: File too large")
    stop()
    assert.equal(0, (world:run(("timekit webhook replay %d --exec true"):format(stored))))
    assert.equal(5, (world:run(("timekit webhook replay %d --exec true"):format(stored + 1))))
    local status, _, err = world:run "timekit webhook listen --port 0 --secret-file secret --store /proc/x/y"
    assert.same({ 1, true }, { status, err:find "^[^\n]*\n?timekit: failed: the deliveries cannot be stored" ~= nil })
  end)

  it("are forwarded until a 2xx answers, with their signatures", function()
    for _, code in ipairs { 500, 200 } do
      world:fault { match = "POST /v2/hook", when = "before", what = "status", status = code }
    end
    local url = listen(("--forward %s/hook"):format(world.box.url))
    assert.equal(200, deliver(url))
    world.await("it was not forwarded twice", function()
      local count = 0
      local _, answer = world.box:request("GET", "/_sandbox/requests")
      for _, request in ipairs(answer.data) do count = count + (request.target == "/v2/hook" and 1 or 0) end
      return count == 2
    end)
    assert.falsy(world:read("noted"):find "not forwarded")
  end)

  it("are given to a command, one after the other", function()
    local url = listen "--exec 'cat >> got; echo >> got; echo $TIMEKIT_DELIVERY >> got'"
    for _ = 1, 3 do assert.equal(200, deliver(url)) end
    world.await("the command was not run", function() return (world:read "got" or ""):find "\n3\n$" end)
    assert.equal(("%s\n1\n%s\n2\n%s\n3\n"):format(BODY, BODY, BODY), world:read "got")
    stop()
    local status, _, err = world:run "timekit webhook replay 1 --exec 'exit 3'"
    assert.same({ 1, "timekit: failed: delivery 1: the command failed\n" }, { status, err })
  end)

  it("are printed and given to a command in their order, also when they come at once", function()
    local url = listen "--exec 'cat > /dev/null; echo $TIMEKIT_DELIVERY >> got'"
    world:run(([[
      for i in $(seq 30); do
        curl -s -o /dev/null -H 'x-timekit-signature: %s' --data-binary @delivery.json %s &
      done
      wait]]):format(signature, url))
    world.await("the command was not run", function()
      return select(2, (world:read "got" or ""):gsub("\n", "")) == 30
    end)
    local order = {}
    for number = 1, 30 do order[number] = number end
    assert.equal(table.concat(order, "\n") .. "\n", world:read "got")
    local printed = {}
    for line in world:read("heard"):gmatch "[^\n]+" do printed[#printed + 1] = core.decode(line).n end
    assert.same(order, printed)
  end)

  it("of the sandbox arrive, and Ctrl-C names what was not handed on", function()
    local url = listen "--forward http://127.0.0.1:1/hook"
    world.box:request("POST", "/_sandbox/webhooks", core.encode {
      url = url, secret = SECRET, graph = "confirm_decline", state = "confirmed",
    })
    local id = world:booking()
    world.box:request("PUT", ("/v2/bookings/%s/confirm"):format(id))
    world.await("no delivery came", function() return (world:read "heard" or ""):find "\n" end)
    assert.equal(id, core.decode(world:read "heard").body.id)
    stop "INT"
    assert.truthy(world:read("noted"):find("stored, but not handed on yet: 1; see timekit webhook replay", 1, true))
  end)

  it("go to no wrong URL", function()
    for _, url in ipairs { "ftp://x", "http://", "x", "http://a b/", "http://user:pass@host/" } do
      local status = world:run(("timekit webhook listen --secret-file secret --port 0 --forward '%s'"):format(url))
      assert.equal(2, status)
    end
    assert.equal(2, (world:run "timekit webhook listen --secret-file secret"))
  end)
end)
