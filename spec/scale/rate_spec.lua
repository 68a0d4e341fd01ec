-- The rate limit that processes share: no window has more requests than it allows, whatever happens to them and to
-- Redis; bulk leaves room; a refusal is learnt by all.
local clocks = require "spec.support.clock"
local core = require "timekit.core"
local host = require "spec.support.loop_host"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local redis_link = require "spec.support.redis_link"
local shared_rate = require "timekit.call.shared_rate"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

if not redis.is_here() then
  pending "redis-server is not here"
  return
end

local RATE, BURST = 9.8, 10

-- Seconds by which a request may leave later than its token was meant: see `timekit.call.shared_rate`.
local LATE = 0.15

local members, log

local function start(server, width, class)
  local command = ("sh -c 'echo $$; exec %s spec/support/rate_member.lua %s %s %s %d %s >/dev/null 2>&1'"):format(
    this_lua.command, server.address, host.url(), log, width, class or "")
  local program = process.start(command)
  members[#members + 1] = { program = program, pid = program.line }
  return members[#members]
end

local function signal(member, name) shell.run(("kill -%s %s"):format(name, member.pid)) end

local function finish(member)
  signal(member, "CONT")
  signal(member, "KILL")
  member.program:close()
end

-- What was sent, in order: `at`, `class`, `waited`.
local function sent(class)
  local list = {}
  for line in io.lines(log) do
    local at, what, waited = line:match("^(%S+) (%S+) (%S+)$")
    if at and (not class or what == class) then
      list[#list + 1] = { at = tonumber(at), class = what, waited = tonumber(waited) }
    end
  end
  table.sort(list, function(a, b) return a.at < b.at end)
  return list
end

-- By how many requests the worst window is above what is allowed.
local function worst_excess(list)
  local worst = -math.huge
  for first = 1, #list do
    for last = first, #list do
      local allowed = BURST + RATE * (list[last].at - list[first].at + LATE)
      worst = math.max(worst, last - first + 1 - allowed)
    end
  end
  return worst
end

local function pass(seconds) core.sleep(seconds) end

describe("a shared rate", function()
  local server

  setup(host.open)
  teardown(host.close)
  before_each(function()
    host.reset()
    members, log = {}, os.tmpname()
    server = redis.start()
  end)
  after_each(function()
    for _, member in ipairs(members) do finish(member) end
    server:close()
    os.remove(log)
  end)

  it("holds in every window, over 8 processes that are stopped and started, and a Redis that is killed", function()
    for _ = 1, 8 do start(server, 3) end
    pass(2)
    signal(members[1], "STOP")
    finish(members[2])
    pass(0.7)
    signal(members[1], "CONT")
    start(server, 3)
    pass(1)
    server:kill()
    pass(2.5)
    server:restart()
    pass(2.5)
    signal(members[3], "STOP")
    pass(0.3)
    signal(members[3], "CONT")
    pass(1)
    for _, member in ipairs(members) do signal(member, "KILL") end
    local list = sent("call")
    assert.is_true(#list > 20, "only " .. #list .. " requests were sent")
    -- There are always some that wait, so nobody saves up a burst. Half of it is room for a busy machine.
    local excess = worst_excess(list) + BURST / 2
    assert.is_true(excess <= 0, ("a window has %.1f too many"):format(excess))
  end)

  it("leaves room for calls beside bulk, and gives bulk its share", function()
    start(server, 16, "bulk")
    pass(1.5)
    local tk = host.client { rate = { redis = server.address, name = "proof", per_second = RATE, burst = BURST } }
    local longest
    -- Behind bulk one of them would wait each time; a busy machine gets further tries.
    for _ = 1, 5 do
      longest = 0
      for _ = 1, 8 do
        local began = core.now()
        tk:booking("x"):get()
        longest = math.max(longest, core.now() - began)
        pass(0.3)
      end
      if longest < 0.25 then break end
    end
    tk:close()
    assert.is_true(longest < 0.25, ("a call waited %.3f seconds"):format(longest))
    -- Calls that would use all of the rate, and book ahead, leave a tenth to bulk once what they booked is paid for.
    for _ = 1, 2 do start(server, 10) end
    pass(3)
    local bulk, calls = #sent "bulk", #sent "call"
    pass(6)
    bulk, calls = #sent "bulk" - bulk, #sent "call" - calls
    -- One falls into this time or just beside it.
    assert.is_true(bulk + 1 >= 0.1 * (bulk + calls), ("bulk got %d of %d"):format(bulk, bulk + calls))
    for _, member in ipairs(members) do signal(member, "KILL") end
    assert.is_true(worst_excess(sent()) <= 0)
  end)

  it("lets all learn of a refusal", function()
    host.plan { match = "GET /v2/bookings/*", what = "status", status = 503, when = "before", times = 1,
      body = '{"error":"Too many requests"}' }
    for _ = 1, 4 do start(server, 1) end
    repeat pass(0.05) until #sent("refused") == 1
    local refused = sent("refused")[1].at
    pass(1.5)
    for _, member in ipairs(members) do signal(member, "KILL") end
    local within = 0
    for _, entry in ipairs(sent("call")) do
      if entry.at > refused + 0.05 and entry.at < refused + 0.9 then within = within + 1 end
    end
    -- Those whose token was checked just before.
    assert.is_true(within <= 4, within .. " requests were sent in the pause")
  end)

  it("refuses at once without Redis, if that is wanted", function()
    local tk = host.client {
      retries = 0,
      rate = { redis = "unix:///nonexistent/socket", per_second = RATE, burst = BURST, when_lost = "refuse" },
    }
    local _, err = tk:booking("x"):get()
    assert.same({ "rate_limited", "no" }, { err.kind, err.sent })
    assert.matches("%(Redis: there is no socket", err.message)
    tk:close()
  end)

  it("is checked", function()
    local function problem(rate)
      local ok, text = pcall(timekit.new, { app_key = "x", rate = rate })
      assert.is_false(ok)
      return text
    end
    local at = server.address
    assert.matches("burst %+ 60 × per_second is 610: Timekit allows 600", problem { redis = at, per_second = 10 })
    assert.matches("redis: expected an address", problem { redis = "x", per_second = 1 })
    assert.matches("when_lost: expected", problem { redis = at, per_second = 1, when_lost = "open" })
    assert.matches("bulk_share: expected", problem { redis = at, per_second = 1, bulk_share = 2 })
    assert.matches("name: it is for a rate with redis", problem { per_second = 1, name = "x" })
    assert.matches("only for this machine", problem { redis = "redis://10.0.0.1", per_second = 1 })
  end)
end)

describe("a limiter of a shared rate", function()
  local answers, limiter, clock
  local blocking = {
    runtime = { sleep = function(seconds) clock:advance(seconds) end },
    pump = { closed = false },
  }

  -- Instead of a Redis: each answer is a function.
  local link = { engine = function() return "engine" end, run = function() end }
  function link.ask_script()
    return table.remove(answers, 1)()
  end

  local function token(of)
    return function() return { of, "0", 0, "0", "0" } end
  end
  local function late()
    clock:advance(0.3)
    return token(1)()
  end
  local function lost() return nil, { kind = "network" } end
  local function book() return (limiter:book(blocking, 0.01, false)) end

  before_each(function()
    clock = clocks.install()
    limiter = shared_rate.new({
      per_second = RATE, burst = BURST, name = "proof", bulk_share = 0.1, when_lost = "share",
    }, link, math.random)
  end)
  after_each(function() clock:remove() end)

  it("does not use a token whose answer came late: the process may have been stopped", function()
    answers = { token(1), late, token(1) }
    assert.equal("booked", book())
    assert.equal("refused", book())
    assert.equal(1, #answers)
  end)

  it("gets used to a Redis that is far away", function()
    answers = {}
    for index = 1, 30 do answers[index] = late end
    limiter.trip = 0.1
    assert.equal("booked", limiter:book(blocking, 5, false))
    assert.is_true(#answers > 25)
    local function waiting()
      clock:advance(0.3)
      return { 1, "0", 400000, "0", "0" }
    end
    answers = { waiting, late }
    assert.equal("booked", limiter:book(blocking, 5, false))
  end)

  it("reckons with as many processes as there were lately, though Redis has forgotten them", function()
    answers = { token(8), token(1), lost }
    book()
    book()
    book()
    assert.equal(RATE * 0.8 / 8, limiter.own.per_second)
  end)

  it("reckons with ten if it has never reached Redis", function()
    answers = { lost }
    book()
    assert.equal(RATE * 0.8 / 10, limiter.own.per_second)
  end)

  it("waits without Redis until what was issued to others is used", function()
    answers = { function() return { 1, "0", 0, "0", "30000000" } end, lost }
    book()
    book()
    assert.is_true(limiter.own:take(core.now()) > 29)
  end)
end)

describe("the script of the shared rate", function()
  local SCRIPT = require "timekit.redis.scripts.rate"
  local server, at

  setup(function() server = redis.start "" end)
  teardown(function() server:close() end)
  before_each(function()
    server:cli "flushall"
    at = redis_link.open(server.address)
  end)
  after_each(function() at.close() end)

  -- A clock that goes on only when it is told to: on a busy machine the bucket would fill up between two commands.
  local patched, count = SCRIPT:gsub("redis%.call%('TIME'%)", "{ 1000000 + (redis.call('GET', 'clock') or 0), 0 }")
  assert(count == 1)

  local function ask(...)
    local value, failure = at.link:ask_script(at.host, patched, { "k", "m" }, { (...), 100000, 10, select(2, ...) }, 20)
    return assert(value, failure and failure.message)
  end
  local function take(longest) return tonumber(ask("take", longest or 60e6, 0, 0, 1e6, "me")[3]) end
  local function near(expected, got) assert.is_true(math.abs(expected - got) <= 1, expected .. " " .. got) end

  it("begins with an empty bucket, which fills up", function()
    near(100000, take())
    server:cli "set clock 100"
    for _ = 1, 10 do assert.equal(0, take()) end
    near(100000, take())
    assert.equal(-1, take(0))
  end)

  it("takes a clock that goes back for one that stands still", function()
    server:cli "set clock 100"
    near(100000, take())
    server:cli "set clock 0"
    near(200000, take())
    near(300000, take())
  end)

  it("counts one penalty a second, and pauses", function()
    server:cli "set clock 1000"
    take()
    server:cli "set clock 2000"
    ask("refuse", -1)
    ask("refuse", -1)
    near(1000000, take())
    assert.equal("1.0000", server:cli "hget k slow")
    server:cli "set clock 2002"
    ask("refuse", 30e6)
    near(30e6, take())
    assert.equal("1.8000", server:cli "hget k slow")
  end)

  it("believes a server that names a pause for an hour", function()
    take()
    ask("refuse", 1e18)
    near(3600e6, take(1e18))
  end)

  it("voids tokens that were issued before a penalty", function()
    take()
    local issued = ask("take", 60e6, 0, 0, 1e6, "me")[2]
    assert.equal(0, ask("look", issued))
    ask("refuse", -1)
    assert.equal(1, ask("look", issued))
  end)

  it("hears of few requests that are left", function()
    take()
    server:cli "set clock 100"
    ask("cap", 2)
    assert.equal(0, take())
    assert.equal(0, take())
    assert.is_true(take() > 0)
  end)

  it("tells how far ahead tokens are issued", function()
    local function ahead() return tonumber(ask("take", 60e6, 0, 0, 1e6, "me")[5]) end
    take()
    server:cli "set clock 100"
    for _ = 1, 10 do assert.equal(0, ahead()) end
    near(100000, ahead())
    near(200000, ahead())
    server:cli "set clock 200"
    ask("refuse", 30e6)
    near(30e6, tonumber(ask("take", 0, 0, 0, 1e6, "me")[5]))
  end)

  it("leaves room for those that do not know yet that Redis is back", function()
    take()
    server:cli "set clock 100"
    ask("back", 7)
    near(800000, take())
    ask("back", 7)
    near(900000, take())
    server:cli "set clock 200"
    take()
    ask("back", 7)
    near(100000, take())
  end)

  it("counts who asks", function()
    assert.equal(1, ask("take", 60e6, 0, 0, 1e6, "me")[1])
    assert.equal(2, ask("take", 60e6, 0, 0, 1e6, "you")[1])
    server:cli "set clock 100"
    assert.equal(1, ask("take", 60e6, 0, 0, 1e6, "me")[1])
  end)
end)
