--- Many bookings by one request: `POST /bookings/bulk` and `PUT /bookings/bulk` (API.md 4).
-- What it adds to a client is documented there, as methods of `Client`.
-- @module timekit.bulk

local Error = require "timekit.error"
local bulk_answer = require "timekit.bulk_answer"
local core = require "timekit.core"
local handles = require "timekit.booking"
local options = require "timekit.options"
local refusal = require "timekit.refusal"
local request = require "timekit.request"
local response = require "timekit.response"
local shape = require "timekit.shape"

local bulk = {}

-- How many bookings are read at once, at most, to find out what became of them.
local LOOKS_AT_ONCE = 8

-- What a refusal of the whole may be about one item only, while those before it took effect: no source says that they
-- do not. Other statuses are about the request.
local ABOUT_ONE = { [400] = true, [404] = true, [409] = true, [422] = true }

local function check_list(list, what, where, level)
  local count = 0
  if type(list) == "table" then
    for _ in next, list do count = count + 1 end
    if count == #list then return count end
  end
  error(("%s: expected a list of %s, got %s"):format(
    where, what, type(list) == "table" and "a table with other keys" or shape.describe(list)), level)
end

local function refused(fields)
  fields.sent, fields.attempts, fields.elapsed = "no", 0, 0
  return nil, Error.new(fields)
end

-- Nothing was asked for.
local function nothing()
  return { done = 0, failed = 0 }, { attempts = 0, reconciled = false, elapsed = 0 }
end

local function copy(fields)
  local new = {}
  for name, value in pairs(fields) do new[name] = value end
  return new
end

-- An error that is about the outcome of one item, or of all. `of`: attempts and time of the whole.
local function outcome_error(self, fields, of)
  fields.attempts, fields.elapsed = of.attempts, of.elapsed
  return Error.new(self.redact(fields))
end

-- What an item was refused with, as if it had been a request of its own; and the doubt that this leaves.
local function read_refusal(told, call, whole)
  local status = told.status or whole.status and whole.status >= 400 and whole.status or 422
  local _, found, doubt = response.read({
    status = status, headers = {}, body = core.encode(told.refused), sent = "yes",
  }, call, os.time)
  found.status, found.request_id = told.status or whole.status, whole.request_id
  return found, doubt
end

-- The doubt about an item that no answer tells of.
local function untold(whole, message)
  return { kind = "response", message = message, sent = "yes", status = whole.status, request_id = whole.request_id }
end

local function finish(results, info)
  results.done, results.failed = #results, 0
  for _, result in ipairs(results) do
    if not result[1] then results.failed = results.failed + 1 end
  end
  return results, info
end

-- A refusal that names nothing but the list and its flags is about the request as such.
local function is_about_request(err)
  if not err.fields or not next(err.fields) then return false end
  for name in pairs(err.fields) do
    if not (name:find("^bookings") or name:find("_on_%a+_?error$") or name == "relate_bookings") then return false end
  end
  return true
end

-- Whether some items may have taken effect although the whole was refused. `undoes`: errors take all back.
local function leaves_doubt(err, count, undoes)
  return count > 1 and not undoes and ABOUT_ONE[err.status] == true and err.sent == "yes" and not is_about_request(err)
end

-- ---- creating ----

local function check_creation(self, list, where, level)
  local problems, first = {}, nil
  for index, fields in ipairs(list) do
    local path = ("bookings[%d]"):format(index)
    if type(fields) ~= "table" or core.is_array(fields) or rawget(fields, 1) ~= nil then
      local got = type(fields) == "table" and "a list" or shape.describe(fields)
      error(("%s: %s: expected a table of fields, got %s"):format(where, path, got), level)
    end
    local found = refusal.creation(fields, self.rfc3339)
    for field, texts in pairs(found and found.fields or {}) do
      first = first or index
      for _, text in ipairs(texts) do problems[#problems + 1] = { field = path .. "." .. field, problem = text } end
    end
  end
  table.sort(problems, function(a, b) return a.field < b.field end)
  local found = refusal.input(problems)
  if found then found.index = first end
  return found
end

local function graph_of(fields)
  local graph = rawget(fields, "graph")
  return type(graph) == "string" and graph or nil
end

-- What became of each, from an answer that holds a list; nil when it tells nothing that can be told apart.
local function created(self, list, answer, whole, undoes)
  local all = bulk_answer.read(answer, #list)
  if #all == 0 then return nil end
  local results, any = {}, false
  for index, told in ipairs(all) do
    local call = { writes = true, expects = "created", graph = graph_of(list[index]) }
    if told.booking and type(told.booking.id) == "string" then
      results[index] = { told.booking, copy(whole) }
    else
      local found, doubt
      if told.refused then
        found, doubt = read_refusal(told, call, whole)
      else
        found, doubt = untold(whole, "the answer does not tell what became of this booking"), "lost"
      end
      results[index] = { nil, outcome_error(self, doubt and response.uncertain(call, found) or found, whole) }
      any = true
    end
  end
  if any and undoes then
    -- An answer may show bookings as they were before all were deleted.
    local cause = "another booking failed, and then all were to be deleted"
    for index, result in ipairs(results) do
      if result[1] then
        local call = { graph = graph_of(list[index]), effect = "the booking is still there" }
        results[index] = { nil, outcome_error(self, response.uncertain(call, untold(whole, cause), result[1]), whole) }
      end
    end
  end
  return results
end

local EFFECT = "the bookings were created, or some of them"

local function create(self, list, opts, where, level)
  local count = check_list(list, "tables of fields", where, level + 1)
  local given = options.check(opts, options.bulk_create, where, level + 1)
  local built, problem, reason = request.bulk_create(list, {
    relate_bookings = given.relate, stop_on_first_error = given.stop_on_first_error,
    delete_all_on_error = given.delete_all_on_error,
  }, given.include)
  if not built and reason == "type" then error(("%s: %s"):format(where, problem), level) end
  local wrong = check_creation(self, list, where, level + 1) or not built and { kind = "input", message = problem }
  if wrong then return refused(wrong) end
  if count == 0 then return nothing() end

  local undoes = given.delete_all_on_error == true
  local answer, info = self.run {
    request = request.traced(built, given.traceparent),
    expects = "bulk", writes = true, effect = EFFECT, timeout = given.timeout,
  }
  if answer then
    local results = created(self, list, answer, info, undoes)
    if results then return finish(results, info) end
    local cause = untold(info, ("the answer does not tell of %d bookings, one by one"):format(count))
    return nil, outcome_error(self, response.uncertain({ effect = EFFECT }, cause), info)
  end
  local results = info.kind ~= "uncertain" and info.status and created(self, list, info.body, info, undoes)
  if results then return finish(results, info) end
  if leaves_doubt(info, count, undoes) then
    return nil, outcome_error(self, response.uncertain({ effect = EFFECT }, info), info)
  end
  return nil, info
end

-- ---- acting ----

-- Names that an item of the request has for itself.
local TAKEN = { id = true, action = true }

local function check_item(self, item, given, where, level)
  if type(item) ~= "table" then
    error(("%s: expected { id, action, inputs, options }, got %s"):format(where, shape.describe(item)), level)
  end
  local own = options.check(item[4], options.bulk_item, where, level + 1)
  local opts = {
    apply_to_bulked_bookings = own.apply_to_bulked_bookings, settings = own.settings,
    include = given.include, traceparent = given.traceparent,
  }
  local call, err = handles.check(self, item[1], item[2], item[3], opts, where, level + 1)
  for name in next, own.settings or {} do
    if TAKEN[name] then
      error(("%s: settings: %s cannot stand in a bulk request"):format(where, shape.quote(name)), level)
    end
  end
  if TAKEN[item[2]] then
    error(("%s: the action %s cannot stand in a bulk request"):format(where, shape.quote(item[2])), level)
  end
  if err then return nil, err end
  return call, { id = call.id, action = item[2], inputs = item[3], options = own }
end

-- What will be sent, and a call for each item; or nil and the error of the first that is refused on the spot.
local function prepare(self, items, given, where, level)
  local calls, sent, ids, refusal_of_first = {}, {}, {}, nil
  for index, item in ipairs(items) do
    local call, as_sent = check_item(self, item, given, ("%s: item %d"):format(where, index), level + 1)
    if call then
      calls[index], sent[index], ids[index] = call, as_sent, call.id
    elseif not refusal_of_first then
      refusal_of_first = as_sent
      as_sent.message, as_sent.index = ("item %d: %s"):format(index, as_sent.message), index
    end
  end
  return calls, sent, ids, refusal_of_first
end

-- An action that a booking still offers, and that cannot be offered again once it was applied, was not applied: an
-- answer that shows such a booking only shows how things are.
local function still_offers(call, booking)
  local rules = refusal.rules(type(booking.graph) == "string" and booking.graph or call.graph)
  return rules ~= nil and rules:is_repeatable(call.action) and rules:can(booking.state, call.action)
end

-- What an answer tells about each item: `results`, and `doubts` about those that it does not tell of.
local function read_answer(self, calls, ids, answer, whole)
  local results, doubts = {}, {}
  local all = bulk_answer.read(answer, #calls, ids)
  for index, call in ipairs(calls) do
    local told = all[index] or {}
    if told.refused then
      local found, doubt = read_refusal(told, call, whole)
      if doubt then doubts[index] = found else results[index] = { nil, outcome_error(self, found, whole) } end
    elseif told.booking and not still_offers(call, told.booking) then
      results[index] = { told.booking, copy(whole) }
    else
      doubts[index] = untold(whole, told.booking and "the answer shows the booking as if nothing had been done to it"
        or "the answer does not tell what became of this booking")
    end
  end
  return results, doubts
end

-- Reads the bookings that are in doubt, several at once, and judges each by its graph and state.
local function resolve(self, work)
  local group, runtime = self.group()
  local open = {}
  for index in pairs(work.doubts) do open[#open + 1] = index end
  table.sort(open)
  local function look()
    local index = table.remove(open, 1)
    while index do
      local call, doubt = copy(work.calls[index]), copy(work.doubts[index])
      call.doubted, call.lost = doubt, work.lost
      call.timeout, call.spent = work.timeout, runtime.now() - work.began
      local booking, info = self.run(call)
      -- Cancelled before anybody looked: what was sent, was sent.
      if info.kind == "cancelled" and not info.cause then info.sent, info.cause = doubt.sent, Error.new(doubt) end
      info.attempts = work.whole.attempts
      work.results[index] = { booking, info }
      index = table.remove(open, 1)
    end
  end
  for _ = 1, math.min(#open, LOOKS_AT_ONCE) do group:add(look) end
  group:join(runtime)
end

-- A refusal of the whole that names the state which an item was to come to may be about that item: it is not known then
-- who brought the booking there.
local function distrust_refused(self, work)
  local whole = work.whole
  if whole.kind ~= "transition" then return end
  for index, result in ipairs(work.results) do
    local booking, call = result[1], work.calls[index]
    if booking and whole.action == call.action and whole.state == booking.state then
      local fields = response.uncertain(call, work.doubts[index], booking)
      work.results[index] = { nil, outcome_error(self, fields, result[2]) }
    end
  end
end

-- One failure takes all back, whenever the server comes to it: no booking's state is the last word then.
local function take_back(self, work)
  local any = false
  for _, result in ipairs(work.results) do any = any or not result[1] end
  if not any then return end
  for index, result in ipairs(work.results) do
    local booking, info = result[1], result[2]
    if booking then
      local cause = untold(work.whole, "another booking failed, and then all were to be put back")
      local fields = response.uncertain(work.calls[index], work.doubts[index] or cause, booking)
      work.results[index] = { nil, outcome_error(self, fields, info) }
    end
  end
end

local function act(self, items, opts, where, level)
  local count = check_list(items, "{ id, action, inputs, options }", where, level + 1)
  local given = options.check(opts, options.bulk_update, where, level + 1)
  local calls, sent, ids, err = prepare(self, items, given, where, level + 1)
  if err then return nil, err end
  if count == 0 then return nothing() end
  local built, problem = request.bulk_action(sent, {
    stop_on_first_error = given.stop_on_first_error, reset_all_on_error = given.reset_all_on_error,
  }, given.include)
  if not built then return refused { kind = "input", message = problem } end

  local undoes = given.reset_all_on_error == true
  local began = self.clock()
  local answer, whole, _, lost = self.run {
    request = request.traced(built, given.traceparent),
    expects = "bulk", writes = true, effect = "the actions were applied, or some of them", timeout = given.timeout,
  }
  local work = { calls = calls, whole = whole, began = began, timeout = given.timeout, lost = true }
  if answer then
    work.results, work.doubts = read_answer(self, calls, ids, answer, whole)
  elseif whole.kind == "uncertain" then
    work.results, work.doubts, work.lost = {}, {}, lost
    for index = 1, count do work.doubts[index] = whole.cause end
  elseif whole.status and whole.sent == "yes" and bulk_answer.list(whole.body) then
    work.results, work.doubts = read_answer(self, calls, ids, whole.body, whole)
  elseif leaves_doubt(whole, count, undoes) then
    -- The server has answered, so nothing is under way any more.
    work.results, work.doubts, work.lost = {}, {}, false
    for index = 1, count do
      work.doubts[index] = {
        kind = "validation", message = "the request was refused as a whole: " .. whole.message, sent = "yes",
        status = whole.status, request_id = whole.request_id, body = whole.body, action = calls[index].action,
      }
    end
  else
    return nil, whole
  end

  if next(work.doubts) then resolve(self, work) end
  distrust_refused(self, work)
  if undoes then take_back(self, work) end
  return finish(work.results, {
    status = whole.status, request_id = whole.request_id, attempts = whole.attempts,
    reconciled = next(work.doubts) ~= nil,
    elapsed = self.clock() - began, rate_limit_remaining = whole.rate_limit_remaining,
  })
end

--- Adds the methods to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function bulk.install(Client, check)
  --- @type Client

  --- Creates several bookings by one request: `POST /bookings/bulk` (API.md 4).
  -- Each is checked as by `Client:create_booking`, and nothing is sent when one is refused: `err.index` is then the
  -- first that is to blame, and `err.fields` names fields such as `bookings[2].end`. It is never repeated after an
  -- uncertain outcome. How Timekit answers is not documented; whatever holds a list with one entry for each booking is
  -- understood, and of everything else nothing is claimed.
  -- Raises on a list that is none, on fields that JSON cannot say (naming the path), on wrong options, and on a closed
  -- client.
  -- @tparam {table,...} list the fields of each booking; left as it is. An empty one sends nothing
  -- @tparam ?table opts
  -- @tparam ?boolean opts.relate relate them: an action on one is then replicated to the others (see
  --   `apply_to_bulked_bookings` of `Booking:action`), and `include = "bulked_bookings"` shows them
  -- @tparam ?boolean opts.stop_on_first_error try no further ones after one has failed
  -- @tparam ?boolean opts.delete_all_on_error delete all when one has failed
  -- @tparam ?string|table opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for the whole call
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @treturn table|nil the results in the order of the list, each `{ booking, info }` or `{ nil, err }`, with the
  --   counts `done` and `failed`; nil when the request failed as a whole
  -- @treturn table `info` of the request, or the error: `input`, `auth`, `validation`, `rate_limited`, `network`,
  --   `timeout`, `cancelled`, `phase`; `uncertain` when some of the bookings may have been created, also after a
  --   refusal that does not tell whether it is about all. An item's error is one that `Client:create_booking` has
  -- @usage
  -- local results = assert(tk:create_bookings({ monday, tuesday }, { relate = true, delete_all_on_error = true }))
  -- for index, result in ipairs(results) do
  --   local booking, err = result[1], result[2]
  --   print(index, booking and booking.id or err)
  -- end
  function Client:create_bookings(list, opts)
    local where = "client:create_bookings"
    check(self, where, 3)
    local results, info = create(self, list, opts, where, 3)
    return results, info
  end

  --- Performs actions on several bookings by one request: `PUT /bookings/bulk` (API.md 4). For requests of their own,
  -- each with its own retries, see `Client:batch`.
  --
  -- Each item is checked as by `Booking:action`, and nothing is sent when one is refused: `err.index` tells which. The
  -- request is never repeated once it may have had an effect. Of every item whose outcome is then not known the
  -- booking is read, several at once, within the call's time; its graph and state decide as for a single action: a
  -- state that proves the action is a success (`info.reconciled`), anything else is `uncertain`, with the state. That
  -- is so after a lost or useless answer, for items that the answer does not tell of, and after a refusal of the whole
  -- that does not tell whether items before the refused one took effect; an item that such a refusal, or a rate limit,
  -- left where it was ends with that error. With `reset_all_on_error` success is claimed for all or for none: where one
  -- is not a success the others may be put back at any time, and are `uncertain`.
  -- Raises on a wrong item (naming its number) and whatever else `Booking:action` raises on; on an action or a setting
  -- called `id` or `action`.
  -- @tparam {table,...} items `{ id, action, inputs, options }`; the id may also be a booking; options are
  --   `apply_to_bulked_bookings` and `settings` as for `Booking:action`. An empty list sends nothing
  -- @tparam ?table opts
  -- @tparam ?boolean opts.stop_on_first_error try no further ones after one has failed
  -- @tparam ?boolean opts.reset_all_on_error put all back into their previous states when one has failed
  -- @tparam ?string|table opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for the whole call, reads included
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @treturn table|nil the results in the order of the items, each `{ booking, info }` or `{ nil, err }`, with the
  --   counts `done` and `failed`; nil when the request failed as a whole, without effect
  -- @treturn table `info` of the request (`reconciled`: it did not tell everything), or the error: `input`,
  --   `transition`, `auth`, `not_found`, `validation`, `rate_limited`, `network`, `timeout`, `phase`; `cancelled`,
  --   where `sent` tells whether there may be an effect. An item's error is one that `Booking:action` has
  -- @usage
  -- local results = assert(tk:update_bookings({ { id_1, "confirm" }, { id_2, "decline", { message = "Full" } } }))
  -- for index, result in ipairs(results) do
  --   local booking, err = result[1], result[2]
  --   print(index, booking and booking.state or err)
  -- end
  function Client:update_bookings(items, opts)
    local where = "client:update_bookings"
    check(self, where, 3)
    local results, info = act(self, items, opts, where, 3)
    return results, info
  end

  --- @section end
end

return bulk
