--- What happens to a booking by itself, and waiting for it.
-- What it adds to a handle is documented there, as methods of `Booking`.
-- @module timekit.methods.wait

local Error = require "timekit.error"
local autoplay = require "timekit.rules.autoplay"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local messages = require "timekit.text.messages"
local time = require "timekit.text.time"

local waiting = {}

-- Seconds between two looks at a booking: at first, and at the most; each time half as long again.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1, 30, 1.5

-- Of the time that is left, how much is slept before the last look; the rest is for the look itself.
local BEFORE_LAST_LOOK = 0.75

local function with_names(include, names)
  if not include or include == "" then return names end
  return include .. "," .. names
end

-- What was seen, beside what an error is about.
local function from_booking(self, info, fields)
  fields.sent, fields.status, fields.request_id = "yes", info.status, info.request_id
  fields.attempts, fields.elapsed = info.attempts, info.elapsed
  fields.graph, fields.state = self.graph, self.state
  return Error.new(fields)
end

-- The booking's graph has no such state: the fields of an error; nil when it has, or the graph is not known.
local function no_such_state(self, state)
  local rules = refusal.rules(self.graph)
  return rules and rules:is_final(state) == nil and {
    kind = "input", message = ("graph %s has no state %s%s"):format(
      messages.quote(self.graph), messages.quote(state), messages.hint(state, rules.states)),
  } or nil
end

-- Why a state cannot be the one that the booking comes to, as the fields of an error; nil when it may.
local function out_of_reach(self, state)
  local rules = refusal.rules(self.graph)
  if not rules then
    if self.completed ~= true then return nil end
    return {
      kind = "transition",
      message = ("the state %s is out of reach: the booking is completed"):format(messages.quote(state)),
    }
  end
  local unknown = no_such_state(self, state)
  if unknown then return unknown end
  -- The server's word counts for more than the graph's where they differ on a state's being final.
  if rules:reaches(self.state, state) ~= false or self.completed == false and rules:is_final(self.state) then
    return nil
  end
  return {
    kind = "transition", allowed = rules:actions_in(self.state),
    message = ("the state %s is out of reach: the booking is in the state %s"):format(
      messages.quote(state), messages.quote(self.state)),
  }
end

local function timed_out(self, state, spent)
  local rules = refusal.rules(self.graph)
  return {
    kind = "timeout", retryable = true, allowed = rules and rules:actions_in(self.state),
    message = ("the booking did not come to the state %s within %.3g seconds; it is in the state %s"):format(
      messages.quote(state), spent, messages.quote(self.state)),
  }
end

-- Looks at the booking again and again. Returns what `Booking:wait_until` does.
local function poll(self, state, given, read)
  local unknown = no_such_state(self, state)
  if unknown then
    unknown.sent, unknown.attempts, unknown.elapsed = "no", 0, 0
    unknown.graph, unknown.state = self.graph, self.state
    return nil, Error.new(unknown)
  end
  local client = self.client
  local timeout, pause = given.timeout or client.runner.timeout, given.every or FIRST_PAUSE
  local longest = math.max(pause, LONGEST_PAUSE)
  local began, looks, last, seen = client.runner:now(), 0, false, nil
  local function spent() return client.runner:now() - began end
  local function over(result, told)
    told.attempts, told.elapsed = looks, spent()
    return result, told
  end

  while true do
    local booking, info = read(self, {
      include = given.include, traceparent = given.traceparent, timeout = timeout - spent(),
    })
    looks = looks + info.attempts
    if booking then
      if booking.state == state then return over(booking, info) end
      seen = info
      local reason = out_of_reach(self, state)
      if reason then return over(nil, from_booking(self, info, reason)) end
    elseif not info.retryable then
      return over(nil, info)
    end

    local left = timeout - spent()
    if last or left <= 0 then
      return over(nil, seen and from_booking(self, seen, timed_out(self, state, spent())) or info)
    end
    local wait = math.max(pause, info.retry_after or 0)
    if wait >= left then wait, last = left * BEFORE_LAST_LOOK, true end
    local waited, err = client.runner:pause(wait)
    if not waited then
      err.graph, err.state = self.graph, self.state
      return over(nil, err)
    end
    pause = math.min(longest, pause * GROWTH)
  end
end

--- Adds the methods to the class of handles.
-- @tparam table Booking the class
-- @tparam table tools what `timekit.booking` has for all of its methods: `check` and `read`
function waiting.install(Booking, tools)
  local check, read = tools.check, tools.read

  --- @type Booking

  --- Which action will play by itself next, and when (API.md 3): `complete` an hour after the event's end, `timeout`
  -- when the time for paying is over.
  -- The booking is read for it, with `include=attributes,event`, unless it was last seen in a state that the graph
  -- knows to be final. A moment that has passed is returned like any other: it plays when the server comes to it. A
  -- time for paying that was set on create is known only where the booking shows it; else the graph's own counts.
  -- Nothing is guessed: what the booking shows and cannot be read, or a state that its graph lacks, is an error.
  -- Raises on a wrong option and on a closed client.
  -- @tparam ?table opts as for `Booking:get`
  -- @treturn string|nil the action; nil when nothing will play, or on failure
  -- @treturn number|table|nil when, in unix seconds; on failure the error, as in `Booking:get`, also of the kind
  --   `response`: the graph or its state is not known here, or the booking does not show the times that it takes
  -- @treturn ?string the same moment as a timestamp of RFC 3339, in UTC, to the second
  -- @usage
  -- local action, at, text = tk:booking(id):next_autoplay()
  -- if action then print(action, text)                      --> complete  2027-03-01T10:00:00+00:00
  -- elseif at then print("not known: " .. tostring(at))
  -- else print("nothing plays by itself") end
  function Booking:next_autoplay(opts)
    check(self, "booking:next_autoplay", 3)
    local given = options.check(opts, options.read, "booking:next_autoplay", 3)
    local rules = refusal.rules(self.graph)
    if rules and rules:is_final(self.state) and self.completed ~= false then return nil end
    local booking, info = read(self, {
      include = with_names(given.include, autoplay.INCLUDE),
      timeout = given.timeout, traceparent = given.traceparent,
    })
    if not booking then return nil, info end
    rules = refusal.rules(self.graph)
    local play, problem
    if rules then
      play, problem = autoplay.next(booking, rules)
    elseif booking.completed ~= true then
      problem = "what plays by itself is not known: neither is the graph" .. (
        self.graph and " " .. messages.quote(self.graph) or "")
    end
    if problem then return nil, from_booking(self, info, { kind = "response", message = problem }) end
    if not play then return nil end
    -- RFC 3339 wants a colon in the offset; Timekit's own way of writing has none.
    return play.action, play.at, (time.format(play.at):gsub("%+0000$", "+00:00"))
  end

  --- Waits until the booking is in a state: reads it again and again, with longer and longer pauses in between.
  -- Waits as every method does: a script until it is there, a call of `Client:start` or a coroutine of an event loop by
  -- letting its host go on; a call can be cancelled meanwhile. A read that fails in a way that may pass (the network, a
  -- rate limit) does not end the waiting. Nothing is sent but reads.
  -- Raises on a state that is no name, on a wrong option, and on a closed client.
  -- @tparam string state such as `"confirmed"`
  -- @tparam ?table opts
  -- @tparam ?number opts.timeout seconds, at the most; the client's `timeout` unless given
  -- @tparam[opt=1] number opts.every seconds until the second look; the pauses then grow to 30 seconds, or stay at
  --   this where it is longer. The last look is taken shortly before time is up
  -- @tparam ?string|table opts.include a name or a list of names to include in the answer
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @treturn table|nil the booking, a table like the API's; nil on failure
  -- @treturn table `info` as in `Booking:action` (`attempts`: reads), or the error: `timeout`, with the `state` that
  --   the booking is in; `transition`: from its `state` the graph no longer leads to the one that is waited for;
  --   `input`: the graph has no such state, and nothing is sent where the graph was known before; `auth`,
  --   `not_found`, `validation`, `cancelled`, `phase`; and what else a read can end with (see `Booking:get`), when none
  --   succeeded in time
  -- @usage
  -- local booking, err = tk:booking(id):wait_until("paid", { timeout = 300, every = 2 })
  -- if not booking and err.kind == "transition" then print("it never will be: " .. err.state) end
  function Booking:wait_until(state, opts)
    check(self, "booking:wait_until", 3)
    if type(state) ~= "string" or state == "" then
      error("booking:wait_until: state: expected a name, got "
        .. (state == "" and "an empty string" or messages.describe(state)), 2)
    end
    local given = options.check(opts, options.wait, "booking:wait_until", 3)
    local booking, info = poll(self, state, given, read)
    return booking, info
  end

  --- @section end
end

return waiting
