--- A handle for one booking: it performs actions, and knows what is possible.
-- `client:booking` and `timekit.booking` make it. That sends nothing and costs next to nothing.
-- @module timekit.booking

local Error = require "timekit.error"
local core = require "timekit.core"
local named = require("timekit.text.fields").named
local graphs = require "timekit.graphs"
local loading = require "timekit.loading"
local messages = require "timekit.text.messages"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"

--- A handle.
--
-- Every action of the known graphs is a method as well: `booking:confirm(inputs, options)` is short for
-- `booking:action("confirm", inputs, options)`. An action of your own graph that has the name of another method, such
-- as `reschedule` or `delete`, has only the long form.
-- @tfield string id the booking's id
-- @tfield ?GraphName|string graph its graph, as last seen; nil while it is not known
-- @tfield ?State|string state its state, as last seen: a hint, since others may act on the booking too
-- @tfield ?boolean completed what the server last said about the flow's end: a boolean, or nil
-- @tfield ?boolean is_test of a handle that came from a webhook: whether that was a test delivery; else nil
-- @type Booking
local Booking = {}

local metatable = { __index = Booking, __name = "timekit.booking" }

function metatable:__tostring()
  return ("timekit.booking (%s)"):format((request.segment(self.id)))
end

-- Fields of a handle that may be nil. They stay nil even if a graph has an action of that name.
local HINTS = { graph = true, state = true, completed = true, is_test = true }

local function check(self, where, level)
  if getmetatable(self) ~= metatable then
    error(("%s: call it with a colon, as in booking:%s(…)"):format(where, where:match("[^:]+$")), level)
  end
  local client = self.client
  -- A webhook's handle has no client before it needs one.
  if client.resolve then
    client = client.resolve(where, level + 1)
    self.client = client
  end
  if client.closed then error(where .. ": the client is closed", level) end
end

local function check_action(action, where, level)
  local _, problem = request.segment(action)
  if problem then error(("%s: the action's name: %s"):format(where, problem), level) end
end

-- Remembers what the server said about the booking, in place of what was known before.
local function learn(self, booking)
  local graph, state, completed = booking.graph, booking.state, booking.completed
  if graph ~= self.graph and type(graph) == "string" then self.graph = graph end
  if type(state) ~= "string" then state = nil end
  self.state = state
  if completed ~= true and completed ~= false then completed = nil end
  self.completed = completed
end

-- Remembers what a failed action says about the booking: `seen`, as it was last read, or the state that refused it. A
-- state that may no longer be true is forgotten.
local function learn_from(self, err, seen)
  if err.kind == "uncertain" or err.kind == "cancelled" and err.sent ~= "no" then
    self.graph, self.state, self.completed = err.graph, err.state, nil
  elseif seen then
    learn(self, seen)
  elseif err.kind == "transition" and err.state ~= self.state then
    self.state, self.completed = err.state, nil
  end
end

-- The operation of an action; `given`: its options.
local Operation = { expects = "booking", writes = true, given = options.NONE }
Operation.__index = Operation

function Operation:look()
  return request.with_options(request.get(self.id, self.given.include), self.given)
end

-- The failure that stands for a request of an earlier process, which may have sent it.
local function sent_earlier()
  return { kind = "uncertain", message = "an earlier process may have sent the action", sent = "maybe" }
end

-- The operation of an action, or nil and the error of one that the rules refuse.
local function prepare(self, action, inputs, opts, where, level)
  check(self, where, level + 1)
  check_action(action, where, level + 1)
  local wrong = inputs ~= nil and named(inputs)
  if wrong then error(("%s: inputs: %s"):format(where, wrong), level) end
  local given = options.NONE
  if opts ~= nil then
    given = options.check(opts, options.action, where, level + 1)
    if given.settings and rawget(given.settings, action) ~= nil then
      error(("%s: settings: '%s' is where the inputs go"):format(where, action), level)
    end
  end
  local built, problem, reason = request.action(self.id, action, inputs, given)
  if not built and reason == "type" then error(("%s: %s"):format(where, problem), level) end

  -- What the handle knows of the state proves nothing about an action that may have been sent since.
  local hint = given.sent_before and { graph = self.graph } or self
  local refused = refusal.before(hint, action, inputs)
    or not built and { kind = "input", message = problem, action = action, graph = self.graph }
  if refused then return nil, Error.unsent(refused) end

  local operation = { request = built, id = self.id, action = action, graph = self.graph }
  -- Most actions have no options: this is for those that have.
  if opts ~= nil then
    operation.request, operation.given = request.with_options(built, given), given
    operation.timeout = given.timeout
    if given.sent_before then
      operation.doubted, operation.lost, operation.resend = sent_earlier(), true, true
    end
  end
  return setmetatable(operation, Operation)
end

-- Remembers what an action told. Returns what the action returns.
local function told(self, booking, info, machine)
  if booking then learn(self, booking) else learn_from(self, info, machine and machine.seen) end
  return booking, info
end

local function perform(self, operation, refused)
  if not operation then return nil, refused end
  return told(self, self.client.runner:run(operation))
end

--- Performs an action: `PUT /bookings/{id}/{action}` (spec/api.md 2).
-- The action is refused here, and nothing is sent, only where Timekit is certain to refuse it: the booking's graph is
-- known and has no such action, the graph says that an input is wrong, or the state is final. Timekit decides all else.
--
-- Raises on wrong use: an action that is not a name, inputs that are not a table with string keys or that JSON cannot
-- express (functions, NaN, cycles; the message names the path), an unknown or wrong option, a closed client.
-- @tparam ActionName|string action such as `"confirm"`
-- @tparam ?table inputs name → value, such as `{ message = "Fully booked" }`; left as it is
-- @tparam ?ActionOptions opts
-- @tparam ?boolean opts.apply_to_bulked_bookings act on the related bookings of a bulk as well; Timekit's default is
--   true
-- @tparam ?table opts.settings further keys of the request's body, beside the inputs
-- @tparam ?string|{string,...} opts.include a name or a list of names to include in the answer (spec/api.md 1)
-- @tparam ?boolean opts.sent_before an earlier process may have sent this action, and nobody knows what became of it.
--   The booking is read first. The action is sent only after that has shown that it was not applied and that sending
--   it is safe; a success that the read shows has `info.reconciled`
-- @tparam ?number opts.timeout seconds for all of it, retries and waits included, instead of the client's
-- @tparam ?string opts.traceparent a trace context to pass on (W3C Trace Context)
-- @tparam ?{[string]=string} opts.headers further headers of this request, as of `timekit.new`
-- @treturn BookingData|nil the booking as it is now, a table like the API's; nil on failure
-- @treturn Info|Error on success `info`: `status`, `request_id`, `attempts` (tries of the action), `reconciled`
--   (boolean: the success was found out by reading the booking), `elapsed` (seconds), `rate_limit_remaining` (or nil).
--   On failure the error (see `timekit.error`): `input`, `transition`, `auth`, `not_found`, `validation`,
--   `rate_limited`, `network`, `timeout`, `cancelled`, `phase` (where the host cannot wait); `uncertain` when the
--   action may have been applied
-- @usage
-- local booking, err = tk:booking(id):action("decline", { message = "Fully booked" })
-- if booking then
--   print(booking.state)                                    --> declined
-- elseif err.kind == "transition" and err.already then
--   print("somebody else has declined it before")
-- elseif err.kind == "uncertain" then
--   print("it may or may not be declined: look at it again")
-- end
function Booking:action(action, inputs, opts)
  local booking, info = perform(self, prepare(self, action, inputs, opts, "booking:action", 3))
  return booking, info
end

--- Starts an action without keeping the host wait: short for `booking:action(…)` in `Client:start`.
-- Raises as `Booking:action` does.
-- @tparam ActionName|string action
-- @tparam ?table inputs
-- @tparam ?ActionOptions opts as in `Booking:action`
-- @treturn Call|nil its result is what `Booking:action` returns; see `timekit.runtime.call`; nil where the host
--   cannot wait (nginx, HAProxy)
-- @treturn ?Error then the error, of the kind `phase`
-- @usage
-- local call = tk:booking(id):start("confirm")
-- repeat draw_frame(); tk:update() until call:done()
-- local booking, err = call:result()
function Booking:start(action, inputs, opts)
  local operation, refused = prepare(self, action, inputs, opts, "booking:start", 3)
  local runner = self.client.runner
  local hindered = runner:hindrance()
  if hindered then return nil, hindered end
  -- A hook may use the client, and then waits in the call's coroutine, as does who asks a limiter that is shared. Other
  -- calls need none.
  local calls = runner:calls()
  if not operation or not runner:has_courses() then return calls:start(perform, self, operation, refused) end
  return calls:carry_out(runner:course(operation, told, self))
end

local function read(self, given)
  local booking, info = self.client.runner:run {
    request = request.with_options(request.get(self.id, given.include), given),
    expects = "booking", id = self.id, graph = self.graph, timeout = given.timeout,
  }
  if booking then learn(self, booking) end
  return booking, info
end

--- Reads the booking: `GET /bookings/{id}` (spec/api.md 4).
-- Raises on a wrong option and on a closed client.
-- @tparam ?GetOptions opts
-- @tparam ?string|{string,...} opts.include a name or a list of names to include in the answer (spec/api.md 1)
-- @tparam ?number opts.timeout seconds for all of it
-- @tparam ?string opts.traceparent a trace context to pass on
-- @tparam ?{[string]=string} opts.headers further headers of this request
-- @treturn BookingData|nil the booking, a table like the API's; nil on failure
-- @treturn Info|Error `info` as in `Booking:action`, or the error: `auth`, `not_found`, `validation`, `rate_limited`,
--   `server`, `network`, `timeout`, `response`, `cancelled`, `phase`
-- @usage
-- local booking = assert(tk:booking(id):get { include = { "attributes", "customers" } })
-- print(booking.attributes.event_info.start)
function Booking:get(opts)
  check(self, "booking:get", 3)
  local given = options.check(opts, options.read, "booking:get", 3)
  local booking, info = read(self, given)
  return booking, info
end

-- The rules of the booking's graph, once graph and state are known; reads the booking for that if need be. For a graph
-- that is not known here: nil, nil and the actions that the server offers. nil and an error when the read fails.
local function rules_or_offer(self)
  local rules = refusal.rules(self.graph)
  if rules and self.state then return rules end
  local booking, info = read(self, { include = "available_actions" })
  if not booking then return nil, info end
  rules = refusal.rules(self.graph)
  if rules then return rules end
  -- Older answers call them `possible_actions` (spec/api.md 2).
  for _, name in ipairs { "available_actions", "possible_actions" } do
    if core.is_array(booking[name]) then return nil, nil, booking[name] end
  end
  return nil, Error.answered(info, {
    kind = "response", message = "the answer does not say which actions are available, and the graph is not known here",
    graph = self.graph, state = self.state,
  })
end

--- Is an action possible, as far as is known?
-- The graph and the state that the handle saw last decide; the booking is read if they are not known. If this module
-- does not know the graph, the booking is read each time, and the actions that the server offers decide.
-- Raises on an action that is not a name and on a closed client.
-- @tparam ActionName|string action
-- @treturn boolean|nil nil when the booking could not be read
-- @treturn ?string|Error with false why not, a text for people; with nil the error, as in `Booking:get`
-- @usage
-- local possible, reason = tk:booking(id):can("confirm")
-- if possible == false then print(reason) end
function Booking:can(action)
  check(self, "booking:can", 3)
  check_action(action, "booking:can", 3)
  local rules, err, offered = rules_or_offer(self)
  if rules then
    local possible, reason = rules:can(self.state, action)
    return possible, reason
  end
  if err then return nil, err end
  for _, name in ipairs(offered) do
    if name == action then return true end
  end
  return false, ("action %s is not offered in the state %s; possible now: %s"):format(
    messages.quote(action), messages.quote(self.state), #offered > 0 and table.concat(offered, ", ") or "nothing")
end

--- The actions that are possible, as far as is known, decided as in `Booking:can`.
-- Raises on a closed client.
-- @treturn {string,...}|nil a list of names, empty in a final state; nil when the booking could not be read
-- @treturn ?Error the error, as in `Booking:get`
-- @usage
-- for _, name in ipairs(assert(tk:booking(id):actions())) do print(name) end
function Booking:actions()
  check(self, "booking:actions", 3)
  local rules, err, offered = rules_or_offer(self)
  if rules then return rules:actions_in(self.state) end
  return offered, err
end

--- Makes a one-time link that performs an action without a key, for a customer's e-mail say (spec/api.md 5). It is made
-- and signed here, with the client's app key; nothing is sent. Timekit decides whether the action is possible when the
-- link is used. Whoever has the link can use it, and it does not expire.
--
-- Raises on an action that is not a name, on an unknown or wrong option, on a client that signs in as a resource (it
-- has no app key), and on a closed client.
-- @tparam ActionName|string action such as `"cancel"`
-- @tparam ?LinkOptions opts
-- @tparam ?string opts.redirect where the browser goes afterwards: an http or https URL without credentials, control
--   characters, blanks and backslashes
-- @treturn string|nil the link
-- @treturn ?Error with nil the error: `input` for an action that no known graph has, or that this booking's graph, if
--   it is known, does not have
-- @see timekit.link
-- @usage
-- local url = assert(tk:booking(id):link("cancel", { redirect = "https://example.com/cancelled" }))
function Booking:link(action, opts)
  local where = "booking:link"
  check(self, where, 3)
  check_action(action, where, 3)
  local given = options.check(opts, options.link, where, 3)
  local sign = self.client.sign
  if not sign then
    error(where .. ": links are signed with the app key; this client has none, it signs in as a resource", 2)
  end
  local refused = refusal.unknown(self, action)
  if refused then return nil, Error.unsent(refused) end
  local url, problem = require("timekit.link").make({
    base_url = self.client.base_url, booking_id = self.id, action = action, redirect = given.redirect,
  }, sign)
  if not url then error(("%s: %s"):format(where, problem), 2) end
  return url
end

-- Methods that many programs do not use.
local LATER = {
  customer_links = "timekit.methods.customer_links", delete = "timekit.methods.changes",
  next_autoplay = "timekit.methods.wait", reschedule = "timekit.methods.changes",
  update_meta = "timekit.methods.changes", wait_until = "timekit.methods.wait",
}
local later = loading.methods(Booking, LATER, function(module)
  module.install(Booking, { check = check, learn = learn, read = read })
end)

-- The method of each action that was ever called by its name. All handles share them.
local sugar = {}

local function method_for(action)
  local where = "booking:" .. action
  return function(self, inputs, opts)
    local booking, info = perform(self, prepare(self, action, inputs, opts, where, 3))
    return booking, info
  end
end

setmetatable(Booking, {
  __index = function(_, name)
    if HINTS[name] then return nil end
    local method = later(name)
    if method then return method end
    if not sugar[name] and graphs.is_action(name) then sugar[name] = method_for(name) end
    return sugar[name]
  end,
})

--- @section end

local handles = {}

--- Makes a handle.
-- @local
-- @tparam Client client
-- @tparam string|table booking an id, or a booking as the API returns it
-- @tparam string where for messages
-- @tparam integer level the caller to blame for a wrong id, as for Lua's `error`
-- @treturn Booking
function handles.new(client, booking, where, level)
  local from_table = type(booking) == "table"
  local id = booking
  if from_table then id = booking.id end
  local _, problem = request.segment(id)
  if problem then
    error(("%s: %s: %s"):format(where, from_table and "the booking's id" or "the id", problem), level)
  end
  -- The nils make room for what `learn` will set, so that the table is not made twice.
  local handle = setmetatable({ client = client, id = id, graph = nil, state = nil, completed = nil }, metatable)
  if from_table then learn(handle, booking) end
  return handle
end

-- The parts of an item, and their positions in it.
local PARTS = { { "id", "first" }, { "action", "second" }, { "inputs", "third" }, { "options", "fourth" } }

--- Checks the form of an item of a batch or a bulk request. It is a list; callers may keep fields of their own in it. A
-- part given by name, `inputs =` say, would be overlooked, so it is refused.
-- @local
-- @param item
-- @tparam string where for messages
-- @tparam integer level the caller to blame
function handles.check_item(item, where, level)
  if type(item) ~= "table" then
    error(("%s: expected { id, action, inputs, options }, got %s"):format(where, messages.describe(item)), level)
  end
  for _, part in ipairs(PARTS) do
    if item[part[1]] ~= nil then
      error(("%s: expected { id, action, inputs, options }: '%s' stands %s, without a name"):format(
        where, part[1], part[2]), level)
    end
  end
end

--- Checks an action on a booking, to be performed later.
-- @local
-- Raises as `Booking:action` does.
-- @tparam Client client
-- @tparam string|table booking as for `handles.new`
-- @tparam string action
-- @tparam ?table inputs
-- @tparam ?table opts
-- @tparam string where for messages
-- @tparam integer level the caller to blame
-- @treturn function performs the action, and returns what `Booking:action` does
function handles.prepare(client, booking, action, inputs, opts, where, level)
  local handle = handles.new(client, booking, where, level + 1)
  local operation, refused = prepare(handle, action, inputs, opts, where, level + 1)
  return function() return perform(handle, operation, refused) end
end

--- Checks an action on a booking that will be sent as part of another request.
-- @local
-- Raises as `Booking:action` does.
-- @tparam Client client
-- @tparam string|table booking as for `handles.new`
-- @tparam string action
-- @tparam ?table inputs
-- @tparam ?table opts
-- @tparam string where for messages
-- @tparam integer level the caller to blame
-- @treturn table|nil the operation, as for `timekit.call.retry`; nil when the rules refuse it
-- @treturn ?table then the error
function handles.check(client, booking, action, inputs, opts, where, level)
  local handle = handles.new(client, booking, where, level + 1)
  local operation, refused = prepare(handle, action, inputs, opts, where, level + 1)
  return operation, refused
end

return handles
