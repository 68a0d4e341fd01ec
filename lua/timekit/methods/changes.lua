--- Changes of a booking that are not actions of its graph (spec/api.md 4): its meta, its time, and deleting it.
-- What it adds to a handle is documented there, as methods of `Booking`.
-- @module timekit.methods.changes

local Error = require "timekit.error"
local field_checks = require "timekit.text.fields"
local headers = require "timekit.http.headers"
local options = require "timekit.options"
local proof = require "timekit.rules.proof"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"

local changes = {}

-- The times are checked by `refusal.times`; in a format of the client's own they can be numbers.
local RESCHEDULE = { resource_id = { type = "string" }, message = { type = "string" } }

local function check_table(fields, where, level)
  local wrong = field_checks.named(fields)
  if wrong then error(where .. ": " .. wrong, level + 1) end
end

local function refuse(self, fields)
  fields.graph, fields.state = self.graph, self.state
  return nil, Error.unsent(fields)
end


-- The fields of the error that refuses a reschedule's fields; nil when nothing is wrong with them.
local function reschedule_problems(fields, rfc3339)
  local plain = {}
  for name, value in next, fields do
    plain[name] = field_checks.given(value)
  end
  local problems = field_checks.problems(RESCHEDULE, plain, "", false)
  return problems and refusal.input(problems) or refusal.times(fields, rfc3339)
end

-- Adds the methods to the class of handles.
-- @tparam table Booking the class
-- @tparam table tools what `timekit.booking` has for all of its methods: `check` and `learn`
function changes.install(Booking, tools)
  local check, learn = tools.check, tools.learn

  -- The answer may show a new booking that took this one's place. Then this one's state is not known any more.
  local function send(self, operation)
    operation.writes, operation.id, operation.graph = true, self.id, self.graph
    local result, info, machine = self.client.runner:run(operation)
    local booking = result or machine and machine.seen
    if type(booking) == "table" then
      if booking.id == nil or booking.id == self.id then
        learn(self, booking)
      else
        self.state, self.completed = nil, nil
      end
    end
    return result, info
  end

  --- @type Booking

  --- Changes the booking's `meta`: `PUT /bookings/{id}` (spec/api.md 4). Nothing else of a booking can be changed this
  -- way. A change that may have been made is not repeated. The booking is read instead: if its `meta` is exactly the
  -- one sent, that is a success.
  -- Raises on a `meta` that is not a table with string keys or that JSON cannot express, on a wrong option, and on a
  -- closed client.
  -- @tparam table meta name → value; left as it is
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn BookingData|nil the booking as it is now; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action`, or the error: `input` (larger than 1 MiB), `auth`, `not_found`,
  --   `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain`
  -- @usage assert(tk:booking(id):update_meta { table_number = 7 })
  function Booking:update_meta(meta, opts)
    local where = "booking:update_meta"
    check(self, where, 3)
    check_table(meta, where, 2)
    local given = options.check(opts, options.read, where, 3)
    local built, problem, reason = request.meta(self.id, meta, given.include)
    if not built then
      if reason == "type" then error(where .. ": " .. problem, 2) end
      return refuse(self, { kind = "input", message = problem })
    end
    local booking, info = send(self, {
      request = request.with_options(built, given),
      look = function()
        return request.with_options(request.get(self.id, request.including(given.include, "meta")), given)
      end,
      proves = function(seen) return seen and proof.meta(seen, meta) and seen or nil end,
      expects = "booking", effect = "the booking's meta was changed", timeout = given.timeout,
    })
    return booking, info
  end

  --- Moves the booking to another time, or resource: `POST /bookings/{id}/reschedule` (spec/api.md 4).
  -- Invalid times, times without a zone, and an end before the start are refused before anything is sent, naming the
  -- field. A move that may have been made is not repeated. The booking is read instead: if it is at the new times (and
  -- with the new resource, where one was given), that is a success. This is not the action `reschedule_by_customer`.
  --
  -- With an `input_timestamp_format` nothing is checked here. A move that may have been made is then found out only if
  -- the times are unix seconds (`U`) or RFC 3339 all the same; else it is `uncertain`. With an
  -- `output_timestamp_format` that read asks for RFC 3339, and a success it proves comes with the booking's times in
  -- that format.
  --
  -- Timekit may make a new booking for the new time and answer with that: `booking.id` is then another one, and this
  -- handle stays with the old booking. If such an answer is lost, the error is `uncertain`, and `err.state`, the state
  -- that the old booking is in, is all that can be found out.
  -- Raises on fields that are not a table or that JSON cannot express, on a wrong option, and on a closed client.
  -- @tparam Move fields left as it is
  -- @tparam ?string fields.start RFC 3339 with a zone
  -- @tparam ?string fields.end likewise, after `start`
  -- @tparam ?string fields.resource_id
  -- @tparam ?string fields.message
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn BookingData|nil the booking as the API returns it; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action`, or the error: `input`, `transition`, `auth`, `not_found`,
  --   `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain`
  -- @usage
  -- tk:booking(id):reschedule { start = "2030-03-02T08:00:00Z", ["end"] = "2030-03-02T09:00:00Z", message = "Sorry" }
  function Booking:reschedule(fields, opts)
    local where = "booking:reschedule"
    check(self, where, 3)
    check_table(fields, where, 2)
    local given = options.check(opts, options.read, where, 3)
    local built, problem, reason = request.reschedule(self.id, fields, given.include)
    if not built and reason == "type" then error(where .. ": " .. problem, 2) end
    local refused = not built and { kind = "input", message = problem }
      or reschedule_problems(fields, self.client.rfc3339)
    if refused then return refuse(self, refused) end
    local booking, info = send(self, {
      request = request.with_options(built, given),
      look = function()
        local read = request.get(self.id, request.including(given.include, "attributes,event,resource"))
        local known = headers.with_known_times(given.headers, self.client.output_format)
        return request.with_options(read, { traceparent = given.traceparent, headers = known })
      end,
      proves = function(seen) return seen and proof.times(seen, fields) and seen or nil end,
      expects = "booking", effect = "the booking was moved", timeout = given.timeout,
    })
    return booking, info
  end

  --- Deletes the booking: `DELETE /bookings/{id}` (spec/api.md 4). Timekit does so only in a final state.
  -- Nothing is refused here, since a booking may reach a final state at any time. A deletion that may have happened is
  -- not repeated. The booking is read instead: if there is none any more, that is a success (`info.status` is then the
  -- 404 of that read).
  -- Raises on a wrong option and on a closed client.
  -- @tparam ?PlainOptions opts as for `Client:connect`
  -- @treturn boolean|nil true; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action`, or the error: `auth`, `not_found`, `validation`, `transition`,
  --   `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; `uncertain`
  -- @usage
  -- local deleted, err = tk:booking(id):delete()
  -- if not deleted then print(err) end
  function Booking:delete(opts)
    check(self, "booking:delete", 3)
    local given = options.check(opts, options.plain, "booking:delete", 3)
    local deleted, info = send(self, {
      request = request.with_options(request.delete(self.id), given),
      look = function() return request.with_options(request.get(self.id), given) end,
      proves = function(_, failure) return failure and failure.kind == "not_found" or nil end,
      expects = "nothing", effect = "the booking was deleted", timeout = given.timeout,
    })
    if deleted then self.state, self.completed = nil, nil end
    return deleted, info
  end

  --- @section end
end

return changes
