-- A user saw: "not enough memory" was raised by an action. The process had plenty of memory, but no descriptor left.
local faults = require "spec.support.faults"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local unpack = table.unpack or unpack -- luacheck: globals unpack table.unpack

-- Leaves some descriptors to a client that has everything loaded and no connection yet, and frees the others later.
-- Prints what comes of it, a line for each number of descriptors.
local PROGRAM = [==[
local timekit = require "timekit"
local core = require "timekit.core"
local url, most, ca_file = arg[1], tonumber(arg[2]), arg[3]

local held = {}
local function hold()
  repeat
    local file = io.open "/dev/null"
    held[#held + 1] = file
  until not file
end
local function free(count)
  while count > 0 and held[1] do
    table.remove(held):close()
    count = count - 1
  end
end

local function told(booking, err)
  if booking then return booking.state end
  return ("%s %s %s"):format(err.kind, err.sent, err.message:match "too many open files" or err.message)
end

local function blocking(tk)
  return tk:booking("b1"):confirm()
end

local function in_a_call(tk)
  local call = tk:booking("b1"):start "confirm"
  local fd, due = tk:fd(), tk:timeout()
  assert(fd == nil or type(fd) == "number")
  assert(due == nil or due >= 0)
  while tk:update(0.1) > 0 do end
  return call:result()
end

for left = 0, most do
  for _, act in ipairs { blocking, in_a_call } do
    local tk = timekit.new { app_key = "live_api_key_1", base_url = url, ca_file = ca_file, retries = 0, timeout = 20 }
    hold()
    free(left)
    local first = told(act(tk))
    free(math.huge)
    local second = told(act(tk))
    tk:close()
    print(left, first, second)
  end
end
]==]

describe("without descriptors", function()
  local server, file

  setup(function()
    server = faults.start()
    file = os.tmpname()
    local handle = assert(io.open(file, "w"))
    handle:write(PROGRAM)
    handle:close()
  end)
  teardown(function()
    os.remove(file)
    server:close()
  end)

  -- With 0 to `most` descriptors: what came of an action, and what came of it later.
  local function run(url, most, ca_file)
    local command = ("(ulimit -n 40; exec %s %s %s %d %s)"):format(this_lua.command, file, url, most, ca_file or "")
    local ok, output = shell.run(command)
    if not ok then error(output) end
    local outcomes = {}
    for left, first, second in output:gmatch "(%d+)\t([^\n\t]*)\t([^\n\t]*)\n" do
      outcomes[#outcomes + 1] = { left = tonumber(left), first = first, second = second }
    end
    assert.equal(2 * (most + 1), #outcomes, output)
    return outcomes
  end

  local NONE = "network no too many open files"

  local function booking()
    local step = { body = '{"data":{"id":"b1","graph":"instant","state":"confirmed"}}' }
    local steps = {}
    for i = 1, 60 do steps[i] = step end
    return server:plan(unpack(steps))
  end

  for _, listener in ipairs { "http", "tls" } do
    it("an action says so, and succeeds once there are some: " .. listener, function()
      local outcomes = run(server.url[listener] .. "/f/" .. booking(), 12, server.ca_file)
      for _, outcome in ipairs(outcomes) do
        local first = outcome.first
        assert.is_true(first == NONE or first == "confirmed", outcome.left .. ": " .. first)
        if outcome.left < 4 then assert.equal(NONE, first) end
        if outcome.left == 12 then assert.equal("confirmed", first) end
        assert.equal("confirmed", outcome.second)
      end
    end)
  end

  it("an action says so, too, when the resolver needs them", function()
    for _, outcome in ipairs(run("https://timekit.invalid", 6)) do
      assert.equal(NONE, outcome.first)
      assert.is_truthy(outcome.second:find("Could not resolve host", 1, true), outcome.second)
    end
  end)
end)
