-- A runtime that a user writes, as the contract in timekit.runtime.reference shows it.
local core = require "timekit.core"
local loop_host = require "spec.support.loop_host"
local socket = require "socket"

local KEY, client, create, plan = loop_host.KEY, loop_host.client, loop_host.create, loop_host.plan

setup(loop_host.open)
teardown(loop_host.close)
before_each(loop_host.reset)

-- A minimal loop: coroutines, each of which waits for a descriptor or a time.
local function plain_loop()
  local loop, waiting = {}, {}

  local function continue(thread)
    waiting[thread] = nil
    local well, problem = coroutine.resume(thread)
    if not well then error(problem, 0) end
  end

  function loop.spawn(fn) continue(coroutine.create(fn)) end

  function loop.running() return coroutine.running() end

  function loop.after(seconds, thread) waiting[thread] = { at = core.now() + seconds } end

  function loop.yield() coroutine.yield() end

  function loop.yield_until_readable(fd, seconds)
    waiting[coroutine.running()] = { fd = fd, at = seconds and core.now() + seconds }
    coroutine.yield()
  end

  function loop.wake(thread)
    if waiting[thread] then waiting[thread] = { at = core.now() } end
  end

  -- The descriptors that are waited for, and when the first wait is over.
  local function look()
    local watched, first = {}, math.huge
    for thread, wait in pairs(waiting) do
      if wait.fd then
        local fd = wait.fd
        table.insert(watched, {
          thread = thread, getfd = function() return fd end, dirty = function() return false end,
        })
      end
      first = math.min(first, wait.at or first)
    end
    return watched, first
  end

  function loop.run()
    while next(waiting) do
      local watched, first = look()
      local readable = socket.select(watched, nil, math.max(0, math.min(first - core.now(), 5)) + 0.001)
      local due = {}
      for _, one in ipairs(readable) do due[one.thread] = true end
      for thread, wait in pairs(waiting) do
        if wait.at and wait.at <= core.now() then due[thread] = true end
      end
      assert(next(due), "nothing happens")
      for thread in pairs(due) do
        if waiting[thread] then continue(thread) end
      end
    end
  end

  return loop
end

describe("a runtime of one's own", function()
  -- What the contract shows is what is run here.
  local function example()
    local file = assert(io.open "lua/timekit/runtime/reference.lua")
    local text = file:read("*a"):match("\n%-%- @usage\n(.-)\n\n")
    file:close()
    return (text:gsub("^%-%- ", ""):gsub("\n%-%- ", "\n"))
  end

  local function make(loop)
    local names = setmetatable({
      loop = loop, key = KEY,
      timekit = { new = function(options) return client { runtime = options.runtime } end },
    }, { __index = _G })
    local text = example() .. "\nreturn tk"
    -- luacheck: push globals setfenv loadstring
    if setfenv then return setfenv(assert(loadstring(text)), names)() end
    -- luacheck: pop
    return assert(load(text, "example", "t", names))()
  end

  it("works as its contract shows", function()
    local loop = plain_loop()
    local tk, ids, states = make(loop), create(20), {}
    plan({ match = "PUT /v2/bookings/" .. ids[1] .. "/confirm", what = "status", status = 429, when = "before" },
      { match = "PUT /v2/bookings/" .. ids[2] .. "/confirm", what = "stall", seconds = 0.3, when = "after" })
    local count, place = 0, {}
    for index, id in ipairs(ids) do
      loop.spawn(function()
        states[index] = assert(tk:booking(id):confirm()).state
        count = count + 1
        place[index] = count
      end)
    end
    loop.run()
    assert.equal(20, #states)
    -- They did not wait for each other.
    assert.is_true(place[2] > place[3], place[2])
    local items, outcome = {}, nil
    for index, id in ipairs(ids) do items[index] = { id, "cancel" } end
    loop.spawn(function() outcome = tk:batch(items, { concurrency = 3 }) end)
    loop.run()
    assert.same({ 20, 0 }, { outcome.done, outcome.failed })
    plan { match = "PUT /v2/bookings/*/confirm", what = "stall", seconds = 0.1, when = "after" }
    local errors = {}
    for index = 1, 2 do
      loop.spawn(function()
        local booking, err = tk:booking(create()[1]):confirm()
        errors[index] = booking and "closed" or err.kind
        tk:close()
      end)
    end
    loop.run()
    table.sort(errors)
    assert.same({ "cancelled", "closed" }, errors)
  end)
end)
