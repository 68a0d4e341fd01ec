-- Every combination of what can happen to an action. The caller must be told what really became of it, no action may
-- take effect twice, and a doubt may remain only where reading the booking could not resolve it.
local clocks = require "spec.support.clock"
local graphs = require "timekit.graphs"
local timekit = require "timekit"
local wavering = require "spec.support.wavering"

local TIMEOUT = 30

-- The longest pause between two tries; with less time left it is right to give up.
local PAUSE = 5

-- Graphs of one's own. `parcel` is one that only the server knows.
local DEFINITIONS = {
  lamp = {
    states = { initialized = {}, off = {}, on = {}, broken = { final = true } },
    actions = {
      { name = "install", from = "initialized", to = "off" },
      { name = "toggle", from = "off", to = "on" }, { name = "toggle", from = "on", to = "off" },
      { name = "dim", from = "on", to = "on" },
      { name = "smash", from = { "off", "on" }, to = "broken" },
    },
  },
  door = {
    states = { initialized = {}, open = {}, locked = {}, removed = { final = true } },
    actions = {
      { name = "install", from = "initialized", to = "open" },
      { name = "lock", from = "open", to = "locked" }, { name = "unlock", from = "locked", to = "open" },
      { name = "remove", from = { "open", "locked" }, to = "removed" },
    },
  },
  stairs = {
    states = {
      initialized = {}, hall = {}, landing = {}, corner = {}, attic = { final = true }, out = { final = true },
    },
    actions = {
      { name = "install", from = "initialized", to = "hall" },
      { name = "climb", from = "hall", to = "landing" }, { name = "turn", from = "landing", to = "corner" },
      { name = "climb", from = "corner", to = "attic" }, { name = "leave", from = "hall", to = "out" },
    },
  },
  gate = {
    states = { initialized = {}, waiting = {}, through = { final = true } },
    actions = {
      { name = "install", from = "initialized", to = "waiting" },
      { name = "pass", from = "waiting", to = "through" }, { name = "jump", from = "waiting", to = "through" },
    },
  },
}

-- action → state → state, as a server needs it.
local MOVES = {
  confirm_decline = {
    confirm = { tentative = "confirmed" }, decline = { tentative = "declined" }, cancel = { confirmed = "cancelled" },
  },
  parcel = { send = { packed = "sent" }, deliver = { sent = "delivered" }, lose = { packed = "lost", sent = "lost" } },
}
for name, definition in pairs(DEFINITIONS) do
  definition.name, definition.initial, definition.first = name, "initialized", "install"
  local moves = {}
  for _, action in ipairs(definition.actions) do
    moves[action.name] = moves[action.name] or {}
    for _, from in ipairs(type(action.from) == "table" and action.from or { action.from }) do
      moves[action.name][from] = action.to
    end
  end
  MOVES[name] = moves
end

-- The action that is asked for, and what other writers can do: `aside` while it was not applied; `onwards`, or `back`
-- to where it is possible again, once it was. `repeatable`: it is not offered where it leads. `recurs`: it can become
-- possible again after it was applied, so no state proves that it was not. `shared`: another action leads to the same
-- state, so the state does not prove that it was applied.
local ACTIONS = {
  {
    graph = "confirm_decline", action = "confirm", from = "tentative", to = "confirmed", repeatable = true,
    aside = { "decline" }, onwards = { "cancel" },
  },
  {
    graph = "lamp", action = "smash", from = "on", to = "broken", repeatable = true, aside = { "toggle" },
  },
  {
    graph = "lamp", action = "toggle", from = "off", to = "on", recurs = true,
    aside = { "smash" }, onwards = { "smash" }, back = { "toggle" },
  },
  {
    graph = "lamp", action = "dim", from = "on", to = "on", recurs = true,
    aside = { "smash" }, onwards = { "smash" }, back = { "toggle", "toggle" },
  },
  {
    graph = "door", action = "lock", from = "open", to = "locked", repeatable = true, recurs = true,
    aside = { "remove" }, onwards = { "remove" }, back = { "unlock" },
  },
  {
    graph = "stairs", action = "climb", from = "hall", to = "landing", repeatable = true, recurs = true,
    aside = { "leave" }, back = { "turn" },
  },
  {
    graph = "gate", action = "pass", from = "waiting", to = "through", repeatable = true, shared = true,
    aside = { "jump" },
  },
  {
    graph = "parcel", action = "send", from = "packed", to = "sent", unknown = true,
    aside = { "lose" }, onwards = { "deliver" },
  },
}

-- What becomes of the tries that fail, and of the booking. `others` names a field of the action, above.
local WORLDS = {
  { "was not applied", arrives = "never" },
  { "was applied", arrives = "now" },
  { "arrives before a repeat", arrives = "before a repeat" },
  { "arrives after a repeat", arrives = "after a repeat" },
  { "arrives after the operation", arrives = "after the operation" },
  { "was applied, and another writer went on", arrives = "now", others = "onwards" },
  { "was applied, and another writer undid it", arrives = "now", others = "back" },
  { "was not applied, but another writer did something else", arrives = "never", others = "aside" },
  { "was not applied, but another writer did the same", arrives = "never", others = "same" },
  { "was not applied, and another writer comes between look and repeat", arrives = "never", others = "aside",
    others_when = "after a look" },
  { "was not applied, and left no time", arrives = "never", takes = TIMEOUT - 0.005 },
  { "was applied, and left no time", arrives = "now", takes = TIMEOUT - 0.005 },
  { "arrives after the operation, and left no time", arrives = "after the operation", takes = TIMEOUT - 0.005 },
  { "was not applied, and a look gets no answer in time", arrives = "never", blindness = "deadline", takes = 20 },
  { "was applied, and a look gets no answer in time", arrives = "now", blindness = "deadline", takes = 20 },
}
for _, blindness in ipairs { 404, 429, 500, "lost", "useless" } do
  local text = (", and no look gets better than %s"):format(blindness)
  table.insert(WORLDS, { "was not applied" .. text, arrives = "never", blindness = blindness })
  table.insert(WORLDS, { "was applied" .. text, arrives = "now", blindness = blindness })
end
for _, blindness in ipairs { 503, "truncated" } do
  local text = (", and the first look gets only %s"):format(blindness)
  table.insert(WORLDS, { "was not applied" .. text, arrives = "never", blindness = blindness, blind = 1 })
  table.insert(WORLDS, { "was applied" .. text, arrives = "now", blindness = blindness, blind = 1 })
end

-- How a try can fail. The kind of the cause, and what is known of the request being sent.
local FAILURES = { "unsent", "lost", "deadline", "truncated", "useless", "limited", 302, 500, 502, 503, 504 }
local CAUSES = {
  unsent = { "network", "no" }, lost = { "network", "maybe" }, deadline = { "timeout", "maybe" },
  truncated = { "response", "yes" }, useless = { "response", "yes" }, limited = { "rate_limited", "yes" },
  [302] = { "response", "yes" },
  [500] = { "server", "yes" }, [502] = { "server", "yes" }, [503] = { "rate_limited", "yes" },
  [504] = { "server", "yes" },
}
local STRENGTH = { no = 1, maybe = 2, yes = 3 }

-- A read that fails in one of these ways is tried again.
local PASSING = { [500] = true, [503] = true, lost = true, unsent = true, useless = true, truncated = true }

-- What the client did and saw, step by step. `complain` is called with what it should not have done.
local function retrace(case, server, complain)
  local seen = { puts = 0, looks = 0, sent = "no", limited_only = true }
  local knows = case.hint.graph and not case.unknown
  for _, entry in ipairs(server.log) do
    if not entry.put then
      if case.uncertain == "report" then complain "looked, though it was to report" end
      if not seen.doubt then complain "looked, though nothing was in doubt" end
      seen.looks = seen.looks + 1
      seen.state = entry.state or seen.state
    else
      if seen.doubt then
        local possible = seen.looks > 0 and seen.last.state and server.moves[case.action][seen.last.state]
        local limited = seen.limited_only and knows
        if not case.repeatable then complain "repeated what is not repeatable" end
        if case.uncertain == "report" and not limited then complain "repeated, though it was to report" end
        if not (possible or limited) then complain "repeated without having seen that it is possible" end
      end
      seen.puts, seen.looks = seen.puts + 1, 0
      local sent = entry.failed and CAUSES[case.failure][2] or "yes"
      if STRENGTH[sent] > STRENGTH[seen.sent] then seen.sent = sent end
      if entry.failed and case.failure ~= "unsent" then
        seen.doubt = true
        seen.limited_only = seen.limited_only and case.failure == "limited"
      elseif not entry.failed and entry.outcome.status == 422 then
        seen.refused, seen.state = true, server.state
      end
    end
    seen.last = entry
  end
  if seen.puts > case.retries + 1 then complain "too many tries" end
  return seen
end

-- Why reading could not resolve a doubt; nil if it could.
local function reason_for_doubt(case, seen, server, elapsed)
  if case.uncertain == "report" then return "report" end
  if TIMEOUT - elapsed < PAUSE then return "no time" end
  if seen.last.put then return nil end
  if seen.last.failed then
    return (not PASSING[case.blindness] or seen.looks == case.retries + 1) and "no look" or nil
  end
  local state = seen.last.state
  if case.unknown then return "unknown graph" end
  if case.recurs or case.shared and state == case.to then return "no state is a proof" end
  if state == case.to then return nil end
  if not server.moves[case.action][state] then return "another state" end
  return (seen.refused or seen.puts > case.retries) and "not to be repeated" or nil
end

local function judge_success(case, seen, server, booking, info, complain)
  local answered = seen.last.put and seen.last.outcome.status == 200 and not seen.last.failed
  local to, done = case.to, false
  for _, step in ipairs(server.history) do
    -- Without a doubt, the server's word counts.
    if answered and not seen.doubt and step.by == "client" then to = step.to end
    done = done or step.action == case.action and step.to == to
  end
  if booking.state ~= to or server.graph ~= booking.graph then
    complain(("a success in the state %s"):format(booking.state))
  end
  if not done then complain "a success, though nobody did it" end
  if info.reconciled == answered then complain("reconciled is " .. tostring(info.reconciled)) end
  -- If the read after a refusal failed, the refusal itself is the proof.
  local status = seen.refused and seen.last.failed and 422 or seen.last.outcome.status
  if info.status ~= status then complain("the status is " .. tostring(info.status)) end
end

local function judge_failure(case, seen, server, err, elapsed, complain)
  if err.sent ~= seen.sent then complain(("sent is %s, not %s"):format(err.sent, seen.sent)) end
  if err.action ~= case.action then complain("the error's action is " .. tostring(err.action)) end
  if seen.doubt and err.kind == "uncertain" then
    local cause = CAUSES[case.failure]
    if err.cause.kind ~= cause[1] or err.cause.sent ~= cause[2] then complain "another cause" end
    if err.retryable then complain "uncertain, but retryable" end
    if err.state ~= seen.state then
      complain(("the error's state is %s, seen was %s"):format(tostring(err.state), tostring(seen.state)))
    end
    if not reason_for_doubt(case, seen, server, elapsed) then complain "a needless doubt" end
  elseif seen.doubt then
    -- A rate limit, and the booking still is where the action is possible.
    local limited = err.kind == "rate_limited" and seen.limited_only and case.uncertain == "reconcile"
      and seen.last.state and server.moves[case.action][seen.last.state]
    if not limited then complain("definitely " .. err.kind) end
  elseif seen.refused then
    if err.kind ~= "transition" or err.state ~= server.state then complain "not the server's refusal" end
  elseif err.kind ~= "network" or not err.retryable then
    complain("unsent is " .. err.kind)
  elseif seen.puts <= case.retries and TIMEOUT - elapsed >= PAUSE then
    complain "gave up early"
  end
end

-- Plays one case and returns what is wrong with it: a list of texts.
local function play(clock, case)
  local server = wavering.new {
    clock = clock, graph = case.graph, state = case.from, moves = MOVES[case.graph], action = case.action,
    failure = case.failure, fails = case.fails, arrives = case.arrives, takes = case.takes,
    others = case.others, others_when = case.others and (case.others_when or "before a look"),
    blind = case.blindness and (case.blind or 1000), blindness = case.blindness,
  }
  local problems = {}
  local function complain(text) problems[#problems + 1] = text end
  local tk = timekit.new {
    app_key = "k_test", transport = server.transport, timeout = TIMEOUT,
    retries = case.retries, uncertain = case.uncertain,
  }
  local began = clock.time
  local handle = tk:booking { id = "b1", graph = case.hint.graph, state = case.hint.state }
  local booking, info = handle:action(case.action)
  local elapsed = clock.time - began
  local applied = server:finish()
  local seen = retrace(case, server, complain)

  if applied > 1 then complain(("applied %d times"):format(applied)) end
  -- A rate limit is an answer: once a read shows the action possible, no request counts as under way.
  local excused = case.arrives ~= "now" and case.failure == "limited" and not booking and info.kind == "rate_limited"
  local said = booking or info.kind == "uncertain" or excused
  if applied > 0 and not said then complain "applied, but not said so" end
  if info.attempts ~= seen.puts then complain(("%d attempts, not %d"):format(info.attempts, seen.puts)) end
  if elapsed > TIMEOUT + 0.5 then complain(("it took %g seconds"):format(elapsed)) end
  if math.abs(info.elapsed - elapsed) > 0.02 then complain(("elapsed is %g"):format(info.elapsed)) end
  if booking then
    judge_success(case, seen, server, booking, info, complain)
  else
    judge_failure(case, seen, server, info, elapsed, complain)
  end
  local learned = booking or info
  if (booking or info.kind == "uncertain") and handle.state ~= learned.state then
    complain("the handle says " .. tostring(handle.state))
  end
  return problems
end

-- The client's options, and how many tries fail: every combination that makes a difference. Without reads it does not
-- matter how reads fail.
local function settings_for(world)
  local list = {}
  for retries = 0, 2 do
    for _, uncertain in ipairs { "reconcile", not world.blindness and "report" or nil } do
      for _, fails in ipairs { 1, retries > 0 and not world.blindness and 1000 or nil } do
        list[#list + 1] = { retries = retries, uncertain = uncertain, fails = fails }
      end
    end
  end
  return list
end

-- Calls `fn` with every case of a failure in a world.
local function each_case(failure, world, fn)
  local settings = settings_for(world)
  for _, action in ipairs(ACTIONS) do
    local others = world.others and (world.others == "same" and { action.action } or action[world.others])
    -- What was known before: nothing, the graph, or both.
    local hints = { {}, { graph = action.graph }, { graph = action.graph, state = action.from } }
    for _, hint in ipairs(others == nil and world.others and {} or hints) do
      for _, setting in ipairs(settings) do
        local case = { failure = failure, hint = hint }
        for _, part in ipairs { action, world, setting } do
          for name, value in pairs(part) do case[name] = value end
        end
        case.others = others
        fn(case)
      end
    end
  end
end

local function describe_case(case)
  return ("%s %s, knows %s %s, %d retries, %s, %s fails"):format(case.graph, case.action, tostring(case.hint.graph),
    tostring(case.hint.state), case.retries, case.uncertain, case.fails == 1 and "one try" or "every try")
end

describe("an action whose try", function()
  local clock

  before_each(function()
    clock = clocks.install()
    for _, definition in pairs(DEFINITIONS) do graphs.define(definition) end
  end)

  after_each(function()
    clock:remove()
    for name in pairs(DEFINITIONS) do rawset(graphs, name, nil) end
  end)

  for _, failure in ipairs(FAILURES) do
    for _, world in ipairs(WORLDS) do
      -- A request that was not sent cannot arrive.
      if failure ~= "unsent" or world.arrives == "never" then
        it(("failed with %s %s"):format(failure, world[1]), function()
          local count, wrong = 0, {}
          each_case(failure, world, function(case)
            count = count + 1
            local problems = play(clock, case)
            if #problems > 0 then
              wrong[#wrong + 1] = describe_case(case) .. ": " .. table.concat(problems, "; ")
            end
          end)
          assert.is_true(count > 0)
          if #wrong > 0 then
            error(("%d of %d cases:\n%s"):format(#wrong, count, table.concat(wrong, "\n", 1, math.min(5, #wrong))), 0)
          end
        end)
      end
    end
  end
end)
