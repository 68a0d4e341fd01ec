-- A user saw: `timekit webhook listen` answer 500 to a delivery whose signature was right, since a name was in Latin-1.
local core = require "timekit.core"
local program = require "spec.support.program"
local signing = require "spec.support.signing"

local SECRET = "s3cret"
local BODIES = {
  '{"id":"b1","graph":"instant","state":"confirmed","customers":[{"name":"M\228rty"}]}',
  "\255\254 no JSON either \0\r\n",
}

describe("a delivery that is not UTF-8", function()
  local world, pid
  before_each(function()
    world = program.new()
    world:write("secret", SECRET)
    world:write("noted", "")
    world:run [[
      { ( echo $BASHPID > pid; exec timekit webhook listen --secret-file secret --port 0 > heard 2> noted )
        echo > ended; } &]]
    world.await("no receiver", function() return world:read("noted"):find "http://" end)
    pid = world:read("pid"):match "%d+"
  end)

  after_each(function()
    world:run("kill -KILL " .. pid)
    world.await("the receiver does not end", function() return world:read "ended" end)
    world:close()
  end)

  it("is stored, printed and handed on like any other, byte by byte", function()
    local url = world:read("noted"):match "http://[%d.:]+/"
    for number, body in ipairs(BODIES) do
      world:write("delivery", body)
      local _, status = world:run(("curl -s -o answer -w '%%{http_code}' -H 'x-timekit-signature: %s' --data-binary "
        .. "@delivery %s"):format(signing.hex(signing.hmac(SECRET, body)), url))
      assert.same({ "200", { stored = number } }, { status, core.decode(world:read "answer") })
      assert.equal(0, (world:run(("timekit webhook replay %d -q --exec 'cat > replayed'"):format(number))))
      assert.equal(body, world:read "replayed")
    end
    world.await("not both were printed", function() return world:read("heard"):find "\n.*\n" end)
    local printed = {}
    for line in world:read("heard"):gmatch "[^\n]+" do printed[#printed + 1] = core.decode(line).body end
    assert.same({ "M?rty", "?? no JSON either \0\r\n" }, { printed[1].customers[1].name, printed[2] })
  end)
end)
