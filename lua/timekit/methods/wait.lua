--- The methods of a handle for what happens to a booking by itself: `Booking:next_autoplay`, `Booking:wait_until`.
-- @module timekit.methods.wait

local Error = require "timekit.error"
local ascii = require "timekit.text.ascii"
local autoplay = require "timekit.rules.autoplay"
local headers = require "timekit.http.headers"
local messages = require "timekit.text.messages"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"
local time = require "timekit.text.time"

local wait = {}

-- Seconds between two looks at a booking: the first pause, and the longest. Each pause is half as long again as the one
-- before.
local FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1, 30, 1.5

-- Seconds that a look may take. A read is answered in far less time; one that is not is most likely lost, and must not
-- use up the time of the looks that could still succeed.
local LONGEST_LOOK = 10

-- What is left of the remaining time for the last look: a part of it, and no more than so many seconds.
local PART_OF_LAST_LOOK, LAST_LOOK = 0.25, 2

-- An error about a booking that was read.
local function from_booking(self, info, fields)
  fields.graph, fields.state = self.graph, self.state
  return Error.answered(info, fields)
end

-- The fields of an error when the booking's graph has no such state; nil when it has, or when the graph is not known.
local function no_such_state(self, state)
  local rules = refusal.rules(self.graph)
  return rules and rules:is_final(state) == nil and {
    kind = "input", message = ("graph %s has no state %s%s"):format(
      messages.quote(self.graph), messages.quote(state), messages.hint(state, rules.states)),
  } or nil
end

-- The fields of an error when the booking cannot come to a state any more; nil when it may.
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
  -- Where server and graph differ on whether a state is final, the server is right.
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
    message = ("the booking did not come to the state %s within %s seconds; it is in the state %s"):format(
      messages.quote(state), ascii.number(spent, 3), messages.quote(self.state)),
  }
end

-- Polls: `look(seconds)` reads the booking, in that time at the most, until it is in the state. Returns what
-- `Booking:wait_until` does.
local function poll(self, state, given, look)
  local runner = self.client.runner
  local timeout, pause = given.timeout or runner.timeout, given.every or FIRST_PAUSE
  local longest_pause = math.max(pause, LONGEST_PAUSE)
  local longest_look = math.min(runner.timeout, LONGEST_LOOK)
  local began, attempts, is_last, seen = runner:now(), 0, false, nil
  local function left() return timeout - (runner:now() - began) end
  local function over(booking, info)
    info.attempts, info.elapsed = attempts, timeout - left()
    return booking, info
  end

  while true do
    local booking, info = look(math.min(left(), longest_look))
    attempts = attempts + info.attempts
    if booking then
      if booking.state == state then return over(booking, info) end
      seen = info
      local reason = out_of_reach(self, state)
      if reason then return over(nil, from_booking(self, info, reason)) end
    elseif not info.retryable then
      return over(nil, info)
    end

    local rest = left()
    if is_last or rest <= 0 then
      return over(nil, seen and from_booking(self, seen, timed_out(self, state, timeout - rest)) or info)
    end
    local seconds = math.max(pause, info.retry_after or 0)
    if seconds >= rest then seconds, is_last = rest - math.min(rest * PART_OF_LAST_LOOK, LAST_LOOK), true end
    local waited, err = runner:pause(seconds)
    if not waited then
      err.graph, err.state = self.graph, self.state
      return over(nil, err)
    end
    pause = math.min(longest_pause, pause * GROWTH)
  end
end

-- Adds the methods to the class of handles.
-- @tparam table Booking the class
-- @tparam table tools what `timekit.booking` has for all of its methods: `check` and `read`
function wait.install(Booking, tools)
  local check, read = tools.check, tools.read

  --- @type Booking

  --- Which action will play by itself next, and when (spec/api.md 3): `complete` an hour after the event's end,
  -- `timeout` when the time for paying is over.
  -- The booking is read for this, with `include=attributes,event`, unless it was last seen in a state that the graph
  -- knows to be final. A moment that has passed is returned like any other: the action plays when the server comes to
  -- it. A time for paying that was set on creation counts where the booking shows it; otherwise the graph's own counts.
  -- Nothing is guessed: a time that cannot be read, or a state that the graph lacks, is an error.
  -- Raises on a wrong option and on a closed client.
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn string|nil the action; nil when nothing will play, or on failure
  -- @treturn number|Error|nil when, in unix seconds; on failure the error, as in `Booking:get`, also of the kind
  --   `response`: the graph or its state is not known here, or the booking does not show the times that are needed
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
      include = request.including(given.include, autoplay.INCLUDE),
      timeout = given.timeout, traceparent = given.traceparent,
      headers = headers.with_known_times(given.headers, self.client.output_format),
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
  -- It waits as every method does: a script stands still, a call of `Client:start` or a coroutine of an event loop lets
  -- its host go on. A call can be cancelled meanwhile. A read that fails in a way that may pass (the network, a rate
  -- limit, no answer) does not end the waiting: each read has 10 seconds, or the client's `timeout` where that is
  -- shorter. Only reads are sent.
  -- Raises on a state that is not a name, on a wrong option, and on a closed client.
  -- @tparam State|string state such as `"confirmed"`
  -- @tparam ?WaitOptions opts
  -- @tparam ?number opts.timeout seconds for all of it; the client's `timeout` unless given
  -- @tparam[opt=1] number opts.every seconds until the second look; the pauses then grow to 30 seconds, or stay at
  --   this where it is longer. The last look is taken two seconds before the time is over, or less
  -- @tparam ?string|{string,...} opts.include a name or a list of names to include in the answer
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @tparam ?{[string]=string} opts.headers further headers of this request, as of `timekit.new`
  -- @treturn BookingData|nil the booking, a table like the API's; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action` (`attempts`: reads), or the error: `timeout`, with the `state`
  --   that the booking is in; `transition`: the graph no longer leads from its `state` to the one that is waited for;
  --   `input`: the graph has no such state (nothing is sent when the graph was known before); `auth`, `not_found`,
  --   `validation`, `cancelled`, `phase`; and, when no read succeeded in time, what the last one ended with (see
  --   `Booking:get`)
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
    local unknown = no_such_state(self, state)
    if unknown then
      unknown.graph, unknown.state = self.graph, self.state
      return nil, Error.unsent(unknown)
    end
    local booking, info = poll(self, state, given, function(seconds)
      return read(self, {
        include = given.include, traceparent = given.traceparent, headers = given.headers, timeout = seconds,
      })
    end)
    return booking, info
  end

  --- @section end
end

return wait
