--- Actions on several bookings by one request: `PUT /bookings/bulk` (API.md 4). See `Client:update_bookings`.
-- @module timekit.methods.bulk.update

local Error = require "timekit.error"
local bulk_answer = require "timekit.methods.bulk.answer"
local handles = require "timekit.booking"
local options = require "timekit.options"
local outcome = require "timekit.methods.bulk.outcome"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"
local response = require "timekit.http.response"
local messages = require "timekit.text.messages"

-- How many bookings are read at once, at most, to find out what became of them.
local LOOKS_AT_ONCE = 8

-- Names that an item of the request has for itself.
local TAKEN = { id = true, action = true }

local function check_item(self, item, given, where, level)
  handles.check_item(item, where, level + 1)
  local own = options.check(item[4], options.bulk_item, where, level + 1)
  local opts = {
    apply_to_bulked_bookings = own.apply_to_bulked_bookings, settings = own.settings,
    include = given.include, traceparent = given.traceparent, headers = given.headers,
  }
  local call, err = handles.check(self, item[1], item[2], item[3], opts, where, level + 1)
  for name in next, own.settings or {} do
    if TAKEN[name] then
      error(("%s: settings: %s cannot stand in a bulk request"):format(where, messages.quote(name)), level)
    end
  end
  if TAKEN[item[2]] then
    error(("%s: the action %s cannot stand in a bulk request"):format(where, messages.quote(item[2])), level)
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

-- An answer may show bookings as they are, also those to which nothing was done: that is so when the action does not
-- lead to where the booking is.
local function shows_effect(call, booking)
  local rules = refusal.rules(type(booking.graph) == "string" and booking.graph or call.graph)
  return not rules or rules:may_follow(call.action, booking.state) ~= false
end

-- What an answer tells about each item: `results`, and `doubts` about those that it does not tell of.
local function read_answer(self, calls, ids, answer, whole)
  local results, doubts = {}, {}
  local all = bulk_answer.read(answer, #calls, ids)
  for index, call in ipairs(calls) do
    local told = all[index] or {}
    if told.refused then
      local found, doubt = outcome.read_refusal(told, call, whole)
      if found.action ~= call.action then
        doubts[index] = outcome.untold(whole, "the answer refuses another action on this booking")
      elseif doubt then
        doubts[index] = found
      else
        results[index] = { nil, outcome.error(self, found, whole) }
      end
    elseif told.booking and shows_effect(call, told.booking) then
      results[index] = { told.booking, outcome.copy(whole) }
    else
      doubts[index] = outcome.untold(whole,
        told.booking and "the answer shows the booking as if nothing had been done to it"
        or "the answer does not tell what became of this booking")
    end
  end
  return results, doubts
end

-- Where one failure takes all back, an answer that does not tell of each item may show the others as they were before
-- that: they are read, too.
local function doubt_all(work)
  if not next(work.doubts) then return end
  for _, result in pairs(work.results) do
    if not result[1] then return end
  end
  for index in pairs(work.calls) do
    work.doubts[index] = work.doubts[index]
      or outcome.untold(work.whole, "the answer does not tell of each booking, and one that failed takes all back")
  end
  work.results = {}
end

-- Reads the bookings that are in doubt, several at once, and judges each by its graph and state.
local function resolve(self, work)
  local group, runtime = self.runner:group()
  local open = {}
  for index in pairs(work.doubts) do open[#open + 1] = index end
  table.sort(open)
  local function look()
    local index = table.remove(open, 1)
    while index do
      local call, doubt = outcome.copy(work.calls[index]), outcome.copy(work.doubts[index])
      call.doubted, call.lost = doubt, work.lost
      call.timeout, call.spent = work.timeout, runtime.now() - work.began
      local booking, info = self.runner:run(call)
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

-- A state does not tell who brought the booking there. Where that is in question, what was found out by reading is not
-- known after all: a refusal of the whole that names the very state may be about that item; and of two items that are
-- the same one at the most was applied.
local function distrust(self, work)
  local whole, applied = work.whole, {}
  for index, call in ipairs(work.calls) do
    local booking, doubt = work.results[index][1], work.doubts[index]
    local of_action = applied[call.action] or {}
    local named = whole.kind == "transition" and whole.action == call.action
    if booking and doubt and (named and whole.state == booking.state or of_action[call.id]) then
      local fields = response.uncertain(call, doubt, booking)
      work.results[index] = { nil, outcome.error(self, fields, work.results[index][2]) }
    end
    applied[call.action], of_action[call.id] = of_action, true
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
      local cause = outcome.untold(work.whole, "another booking failed, and then all were to be put back")
      local fields = response.uncertain(work.calls[index], work.doubts[index] or cause, booking)
      work.results[index] = { nil, outcome.error(self, fields, info) }
    end
  end
end

--- Performs the actions.
-- @tparam Client self
-- @tparam table items
-- @tparam ?table opts
-- @tparam string where for messages
-- @tparam integer level whom to blame
-- @return as of `Client:update_bookings`
local function update(self, items, opts, where, level)
  local count = outcome.check_list(items, "{ id, action, inputs, options }", where, level + 1)
  local given = options.check(opts, options.bulk_update, where, level + 1)
  local calls, sent, ids, err = prepare(self, items, given, where, level + 1)
  if err then return nil, err end
  if count == 0 then return outcome.nothing() end
  local built, problem = request.bulk_action(sent, {
    stop_on_first_error = given.stop_on_first_error, reset_all_on_error = given.reset_all_on_error,
  }, given.include)
  if not built then return outcome.refused { kind = "input", message = problem } end

  local undoes = given.reset_all_on_error == true
  local began = self.runner:now()
  local answer, whole, machine = self.runner:run {
    request = request.with_options(built, given),
    expects = "bulk", writes = true, effect = "the actions were applied, or some of them", timeout = given.timeout,
  }
  local work = { calls = calls, whole = whole, began = began, timeout = given.timeout, lost = true }
  if answer then
    work.results, work.doubts = read_answer(self, calls, ids, answer, whole)
  elseif whole.kind == "uncertain" then
    work.results, work.doubts, work.lost = {}, {}, machine.lost
    for index = 1, count do work.doubts[index] = whole.cause end
  elseif whole.status and whole.sent == "yes" and bulk_answer.list(whole.body) then
    work.results, work.doubts = read_answer(self, calls, ids, whole.body, whole)
  elseif outcome.leaves_doubt(whole, count, undoes) then
    -- The server has answered, so nothing is under way any more.
    work.results, work.doubts, work.lost = {}, {}, false
    for index = 1, count do
      work.doubts[index] = {
        kind = whole.kind == "auth" and "auth" or "validation", sent = "yes",
        message = "the request was refused as a whole: " .. whole.message,
        status = whole.status, request_id = whole.request_id, body = whole.body, action = calls[index].action,
      }
    end
  else
    return nil, whole
  end

  if undoes then doubt_all(work) end
  if next(work.doubts) then resolve(self, work) end
  distrust(self, work)
  if undoes then take_back(self, work) end
  return outcome.finish(work.results, {
    status = whole.status, request_id = whole.request_id, attempts = whole.attempts,
    reconciled = next(work.doubts) ~= nil,
    elapsed = self.runner:now() - began, rate_limit_remaining = whole.rate_limit_remaining,
  })
end

return update
