--- Actions on several bookings by one request: `PUT /bookings/bulk` (spec/api.md 4). See `Client:update_bookings`.
-- @module timekit.methods.bulk.update

local Error = require "timekit.error"
local handles = require "timekit.booking"
local items = require "timekit.methods.bulk.items"
local judge = require "timekit.methods.bulk.judge"
local messages = require "timekit.text.messages"
local options = require "timekit.options"
local request = require "timekit.http.request"

-- How many bookings are read at once, at most, to find out what became of them.
local READS_AT_ONCE = 8

local UNDOES = "another booking failed, and then all were to be put back"

-- Names that an item of the request has for itself.
local TAKEN = { id = true, action = true }

-- The record of an item (see `timekit.methods.bulk.items`), with what will be sent; or nil and the error of an action
-- that is refused on the spot.
local function record(client, item, given, where, level)
  handles.check_item(item, where, level + 1)
  local id, action, inputs = item[1], item[2], item[3]
  local own = options.check(item[4], options.bulk_item, where, level + 1)
  local operation, refused = handles.check(client, id, action, inputs, {
    apply_to_bulked_bookings = own.apply_to_bulked_bookings, settings = own.settings,
    include = given.include, traceparent = given.traceparent, headers = given.headers,
  }, where, level + 1)
  for name in next, own.settings or {} do
    if TAKEN[name] then
      error(("%s: settings: %s cannot stand in a bulk request"):format(where, messages.quote(name)), level)
    end
  end
  if TAKEN[action] then
    error(("%s: the action %s cannot stand in a bulk request"):format(where, messages.quote(action)), level)
  end
  if refused then return nil, refused end
  return { operation = operation, id = operation.id, action = action, inputs = inputs, options = own }
end

-- All records, or nil and the error of the first item that is refused on the spot. All are checked first: a wrong item
-- raises wherever it stands.
local function records(client, list, given, where, level)
  local all, refused = {}, nil
  for index, item in ipairs(list) do
    local made, err = record(client, item, given, ("%s: item %d"):format(where, index), level + 1)
    if err and not refused then
      refused = err
      err.message, err.index = ("item %d: %s"):format(index, err.message), index
    end
    all[index] = made
  end
  if refused then return nil, refused end
  return all
end

-- The same action twice on one booking: its state proves one of them. That is the first, unless the answer has told
-- that another was done.
local function mark_repeats(all)
  local firsts = {}
  for _, item in ipairs(all) do
    local of_action = firsts[item.action] or {}
    local first = of_action[item.id]
    if first then
      item.is_repeat = true
      first.is_repeat = first.is_repeat or item.booking ~= nil
    end
    firsts[item.action], of_action[item.id] = of_action, first or item
  end
end

local function in_doubt(all)
  local list = {}
  for _, item in ipairs(all) do
    if item.doubt then list[#list + 1] = item end
  end
  return list
end

-- Where one failure takes all items back, a doubt about one item is a doubt about all: the answer may show the others
-- as they were before that.
local function spread_doubt(bulk)
  for _, item in ipairs(bulk.items) do
    if item.booking then
      item.booking = nil
      item.doubt = judge.untold(bulk.whole, "the answer does not tell of each item, and one that failed takes all back")
    end
  end
end

-- The booking may have been in this state before the action: when another item asks for the same, and when the request
-- was refused as a whole because of this very state, since that may be about this item.
local function may_be_older(item, state, whole)
  return item.is_repeat or whole.kind == "transition" and whole.action == item.action and whole.state == state
end

-- Reads the booking of an item that is in doubt; its graph and state decide, as for a single action.
local function read(bulk, item, now)
  local operation, doubt = item.operation, item.doubt
  operation.doubted, operation.lost = doubt, bulk.lost
  operation.timeout, operation.spent = bulk.timeout, now - bulk.began
  local booking, info = bulk.client.runner:run(operation)
  -- Cancelled before the read began: the error must tell that the bulk request had been sent.
  if info.kind == "cancelled" and not info.cause then info.sent, info.cause = doubt.sent, Error.new(doubt) end
  info.attempts = bulk.whole.attempts
  item.info = info
  if booking and may_be_older(item, booking.state, bulk.whole) then
    item.info = items.uncertain(bulk, item, doubt, booking)
  else
    item.booking = booking
  end
end

-- Reads several bookings at once.
local function read_all(bulk, list)
  local group, runtime = bulk.client.runner:group()
  local next_index = 0
  local function work()
    while next_index < #list do
      next_index = next_index + 1
      read(bulk, list[next_index], runtime.now())
    end
  end
  for _ = 1, math.min(#list, READS_AT_ONCE) do group:add(work) end
  group:join(runtime)
end

-- Finds out what became of each item. nil: the request failed as a whole, and no item took effect.
local function conclude(bulk, data)
  if data then
    items.take_answer(bulk, data)
  else
    for _, item in ipairs(bulk.items) do
      item.doubt = judge.whole(bulk.whole, #bulk.items, bulk.undoes)
      if not item.doubt then return nil end
      item.doubt.action = item.action
    end
  end
  mark_repeats(bulk.items)
  if bulk.undoes and #in_doubt(bulk.items) > 0 then spread_doubt(bulk) end
  local doubtful = in_doubt(bulk.items)
  if #doubtful > 0 then read_all(bulk, doubtful) end
  local whole = bulk.whole
  return items.results(bulk), {
    status = whole.status, request_id = whole.request_id, attempts = whole.attempts, reconciled = #doubtful > 0,
    elapsed = bulk.client.runner:now() - bulk.began, rate_limit_remaining = whole.rate_limit_remaining,
  }
end

--- Does what `Client:update_bookings` says. Errors name `where` and blame `level`.
local function update(client, list, opts, where, level)
  items.check_list(list, "{ id, action, inputs, options }", where, level + 1)
  local given = options.check(opts, options.bulk_update, where, level + 1)
  local all, refused = records(client, list, given, where, level + 1)
  if refused then return nil, refused end
  if #all == 0 then return { done = 0, failed = 0 }, { attempts = 0, reconciled = false, elapsed = 0 } end
  local built, problem = request.bulk_action(all, {
    stop_on_first_error = given.stop_on_first_error, reset_all_on_error = given.reset_all_on_error,
  }, given.include)
  if not built then return nil, Error.unsent { kind = "input", message = problem } end

  local began = client.runner:now()
  local data, whole, machine = client.runner:run {
    request = request.with_options(built, given),
    expects = "bulk", writes = true, effect = "the actions were applied, or some of them", timeout = given.timeout,
  }
  -- After a refusal nothing is under way any more. An answer that leaves an item out says nothing of the kind.
  local lost = data ~= nil or whole.kind == "uncertain" and machine.lost
  local results, info = conclude({
    client = client, items = all, whole = whole, began = began, timeout = given.timeout, lost = lost,
    undoes = given.reset_all_on_error and UNDOES,
  }, data)
  if not results then return nil, whole end
  return results, info
end

return update
