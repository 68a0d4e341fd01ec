-- Chaos finds no false answer, and would find one: clients that lie are noticed.
local chaos = require "spec.chaos.run"
local cut_proxy = require "spec.support.cut_proxy"
local new_world = require "spec.chaos.world".start
local sandbox_server = require "spec.support.sandbox_server"

local world

setup(function() world = new_world() end)
teardown(function() world:close() end)

local function run(options)
  local told = {}
  options.seed, options.writers, options.world = options.seed or 1, 2, world
  options.say = function(text) told[#told + 1] = text end
  return chaos.run(options), told
end

describe("chaos", function()
  -- Which of these a short run meets hangs on what the kernel does first; all together meet all of them.
  local met = {}

  local function meet(counts)
    for name, count in pairs(counts) do met[name] = (met[name] or 0) + count end
  end

  for mode, seed in pairs { alone = 3, interleaved = 4, crowd = 5, started = 6, cqueues = 7 } do
    it("leaves the truth alone: " .. mode, function()
      local summary, told = run { mode = mode, seed = seed, actions = 240 }
      assert.equal(0, summary.violations, told[1])
      assert.is_true(summary.actions >= 240)
      for _, name in ipairs { "success", "transition", "uncertain" } do
        assert.is_true((summary.outcomes[name] or 0) > 0, name)
      end
      assert.is_true(summary.doubts > summary.outcomes.uncertain)
      meet(summary.faults)
      meet(summary.cuts)
    end)
  end

  it("was chaos indeed", function()
    for _, name in ipairs { "close before", "close after", "late before", "503 after" } do
      assert.is_true((met[name] or 0) > 0, name)
    end
    for _, what in ipairs { "request", "answer", "swallow" } do
      assert.is_true((met[what .. " fin"] or 0) + (met[what .. " reset"] or 0) > 0, what)
    end
  end)

  it("decides the same for the same seed", function()
    local plan = require "spec.chaos.plan"
    local first, again = plan.round(7, 3, "alone"), plan.round(7, 3, "alone")
    assert.same(first, again)
    assert.same(plan.operations(first, 1, 1000), plan.operations(again, 1, 1000))
    assert.are_not.same(first, plan.round(7, 4, "alone"))
    assert.are_not.same(plan.operations(first, 1, 1000), plan.operations(first, 2, 1000))
  end)
end)

-- Sends every PUT twice.
local function double(transport)
  return {
    connect = function(_, options)
      local inner = transport:connect(options)
      local connection = setmetatable({}, { __index = function(_, name)
        return function(_, ...) return inner[name](inner, ...) end
      end })
      function connection.start(_, request)
        local transfers = { inner:start(request), request.method == "PUT" and inner:start(request) or nil }
        for _, transfer in ipairs(transfers) do
          while not transfer:done() do inner:wait(10) end
        end
        return transfers[1]
      end
      return connection
    end,
  }
end

local function info_of(err)
  return { reconciled = true, attempts = err.attempts, elapsed = err.elapsed }
end

describe("chaos notices a client that", function()
  -- `lie`: what becomes of an operation's answer; `rule`: the violation that must be found.
  local LIARS = {
    { name = "sends an action twice", wrap = double, rule = "behind the back" },
    { name = "applies an action twice", wrap = double, rule = "twice", actions = 300 },
    { name = "takes doubt for success", rule = "false success", lie = function(booking, err)
      if booking or err.kind ~= "uncertain" then return booking, err end
      return { id = "x", state = "confirmed" }, info_of(err)
    end },
    { name = "takes doubt for failure", rule = "false failure", lie = function(booking, err)
      if not booking and err.kind == "uncertain" then err.kind = err.cause.kind end
      return booking, err
    end },
    { name = "doubts what it saw", rule = "needless doubt", lie = function(booking, info)
      if not booking then return nil, info end
      return nil, { kind = "uncertain", sent = "yes", attempts = info.attempts, elapsed = info.elapsed }
    end },
    { name = "gives up without a look", rule = "needless doubt", lie = function(booking, err, note)
      note.uncertain = "reconcile"
      return booking, err
    end },
    { name = "takes every success for its own", rule = "reconciled", lie = function(booking, info)
      if booking then info.reconciled = false end
      return booking, info
    end },
    { name = "says that nothing was sent", rule = "sent", lie = function(booking, err)
      if not booking then err.sent = "no" end
      return booking, err
    end },
    { name = "shows another state", rule = "wrong state", lie = function(booking, info)
      if booking then booking.state = "nowhere" end
      return booking, info
    end },
    { name = "keeps the cause to itself", rule = "cause", lie = function(booking, info)
      if not booking then info.cause = nil end
      return booking, info
    end },
    { name = "miscounts its tries", rule = "attempts", lie = function(booking, info)
      info.attempts = info.attempts + 1
      return booking, info
    end },
    { name = "comes back late", rule = "late", lie = function(booking, info)
      info.elapsed = info.elapsed + 1000
      return booking, info
    end },
    { name = "looks although it was told not to", rule = "meddling", lie = function(booking, info, note)
      note.uncertain = "report"
      return booking, info
    end },
    -- Lua 5.1 cannot catch it in a coroutine that waits.
    { name = "raises", rule = "raised", mode = "alone", wrap = function() return {
      connect = function() return { start = function() error "oops" end, close = function() end } end,
    } end },
  }
  for index, liar in ipairs(LIARS) do
    -- Also where many operations are under way at once.
    local mode = liar.mode or index % 3 == 0 and "started" or index % 3 == 1 and "alone" or "cqueues"
    it(liar.name .. ": " .. mode, function()
      local summary, told = run { mode = mode, actions = liar.actions or 100, wrap = liar.wrap, distort = liar.lie }
      assert.is_true((summary.rules[liar.rule] or 0) > 0, told[1])
      local found
      for _, text in ipairs(told) do found = found or text:match("VIOLATION " .. liar.rule .. ".*") end
      assert.matches("again: make chaos SEED=1 ROUND=%d+ MODE=" .. mode, found)
      assert.matches("answer: {", found, 1, true)
    end)
  end
end)

describe("the cutting proxy", function()
  local AUTH, CREATE = sandbox_server.AUTH,
    [[{"graph":"instant","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]]
  local served, proxy

  setup(function()
    served = sandbox_server.start()
    proxy = cut_proxy.start(served.port)
  end)
  teardown(function()
    proxy:close()
    served:close()
  end)

  -- Sends a request that creates a booking; all bytes that come back before the end.
  local function send(length)
    local connection = sandbox_server.connect { port = proxy.port }
    local text = ("POST /v2/bookings HTTP/1.1\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s"):format(
      AUTH, #CREATE, CREATE)
    connection:send(text:sub(1, length or #text))
    local whole, _, part = connection:receive("*a")
    connection:close()
    return whole or part, #text
  end

  local function created()
    local _, answer = served:request("GET", "/v2/bookings")
    return answer.total
  end

  it("does nothing unless it is told to", function()
    local before = created()
    proxy:begin(1, 0)
    for _ = 1, 5 do assert.matches("^HTTP/1.1 201 .*}$", (send())) end
    assert.equal(before + 5, created())
    assert.same({}, proxy:settle().cuts)
  end)

  it("cuts where it says", function()
    local seen = {}
    for seed = 1, 60 do
      proxy:begin(seed, 1)
      local before = created()
      local got, size = send()
      local cut = proxy:settle().cuts[1]
      local made = created() - before
      if not cut then
        -- Beyond the end of what was said.
        assert.matches("}$", got)
        assert.equal(1, made)
      else
        seen[cut.what .. cut.how] = true
        if cut.what == "answer" then
          if cut.how == "fin" then assert.equal(cut.at, #got) else assert.is_true(#got <= cut.at) end
          assert.equal(1, cut.at > 0 and made or 1)
        elseif cut.what == "request" then
          assert.equal("", got)
          assert.equal(cut.at >= size and 1 or 0, made)
        else
          assert.matches(cut.what == "idle" and "^HTTP/1.1 201 .*}$" or "^$", got)
          assert.equal(1, made)
        end
      end
    end
    for _, what in ipairs { "request", "answer", "swallow", "idle" } do
      for _, how in ipairs { "fin", "reset" } do assert.is_true(seen[what .. how], what .. how) end
    end
  end)

  it("does the same for the same seed", function()
    local function cuts()
      proxy:begin(9, 0.7)
      for _ = 1, 10 do send() end
      return proxy:settle().cuts
    end
    local first = cuts()
    assert.is_true(#first > 0)
    assert.same(first, cuts())
  end)

  it("refuses connections, and takes them again at the same address", function()
    proxy:begin(1, 0)
    proxy:refuse(true)
    local socket = require "socket"
    local refused, problem = socket.connect("127.0.0.1", proxy.port)
    assert.is_nil(refused)
    assert.equal("connection refused", problem)
    proxy:refuse(false)
    assert.matches("^HTTP/1.1 201", (send()))
  end)
end)
