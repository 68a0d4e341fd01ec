--- Actions on many bookings, several at once.
-- What it adds to a client is documented there, as a method of `Client`.
-- @module timekit.methods.batch

local Error = require "timekit.error"
local handles = require "timekit.booking"
local messages = require "timekit.text.messages"
local options = require "timekit.options"

local batch = {}

local CONCURRENCY = 16

-- A level for Lua's `error` that is nobody's.
local NOBODY = 1000000

-- A function that performs an item; raises, naming it, when the item is wrong.
local function prepared(client, index, item, where, level)
  local name = ("%s: item %d"):format(where, index)
  handles.check_item(item, name, level + 1)
  local perform = handles.prepare(client, item[1], item[2], item[3], item[4], name, level + 1)
  return perform
end

local function from_list(items)
  local index = 0
  return function()
    index = index + 1
    return items[index]
  end
end

local function not_started()
  return { nil, Error.unsent {
    kind = "cancelled", message = "not started, since another item failed or the batch was cancelled",
  } }
end

local function is_over(self)
  return self.stopped or self.client.closed or self.group:is_ending()
end

-- Those who wait for the iterator go on.
local function call_in(self, count)
  for _ = 1, math.min(count, #self.queue) do self.group.pump:wake(table.remove(self.queue, 1)) end
end

-- The iterator is asked by one worker at a time, since it may wait itself, for a page of a list say. For the runtime a
-- turn is a transfer.
local function take(self)
  while self.asking and not is_over(self) do
    local turn = { done = function() return not self.asking or is_over(self) end, cancel = function() end }
    self.queue[#self.queue + 1] = turn
    self.client.runner.call_runtime.wait(self.group.pump, turn)
  end
  if is_over(self) then return nil end
  self.asking = true
  local item = self.items()
  self.asking = false
  call_in(self, 1)
  return item
end

-- One of those that work at once: takes items until there are none, or until an error ends the batch.
local function work(self)
  while not is_over(self) do
    local item = take(self)
    if item == nil then break end
    local index = self.index + 1
    self.index = index
    local booking, info = prepared(self.client, index, item, self.where, NOBODY)()
    self.outcome.done = self.outcome.done + 1
    if not booking then
      self.outcome.failed = self.outcome.failed + 1
      self.stopped = self.stopped or self.stop_on_error
    end
    if self.keep then self.outcome[index] = { booking, info } end
    if self.on_progress then self.on_progress(index, booking, info, item) end
  end
  -- Nothing is left, or nothing is to follow: the others need not ask again.
  self.stopped = true
  call_in(self, math.huge)
end

-- Performs the items. Returns what `Client:batch` does.
local function run(client, items, given, where, level)
  local keep = type(items) == "table"
  if not keep and type(items) ~= "function" then
    local got = messages.describe(items)
    error(("%s: expected a list of items or an iterator function, got %s"):format(where, got), level)
  end
  if keep then
    for index, item in ipairs(items) do prepared(client, index, item, where, level + 1) end
  end
  local hindered = client.runner:hindrance()
  if hindered then return nil, hindered end
  local group, runtime = client.runner:group()
  local self = {
    client = client, group = group, where = where, keep = keep, index = 0, stopped = false,
    items = keep and from_list(items) or items, asking = false, queue = {},
    on_progress = given.on_progress, stop_on_error = given.stop_on_error,
    outcome = { done = 0, failed = 0 },
  }
  -- Perhaps the one who was asking the iterator.
  function group.on_problem()
    self.asking = false
    call_in(self, math.huge)
  end
  for _ = 1, given.concurrency or CONCURRENCY do group:add(work, self) end
  group:join(runtime)
  if keep then
    for index = 1, #items do self.outcome[index] = self.outcome[index] or not_started() end
  end
  return self.outcome
end

--- Adds the method to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function batch.install(Client, check)
  --- @type Client

  --- Performs actions on many bookings, several at once, within the client's `rate`.
  -- Waits as every method does: a script until all is done, a call of `start` or a coroutine of an event loop by
  -- letting its host go on.
  --
  -- One item's failure does not stop the others. Raises on wrong options, on a closed client, and on a wrong item (an
  -- id or an action that is no name, inputs that JSON cannot say, parts that have names): for a list before anything is
  -- sent; for an iterator, and when `on_progress` or the iterator raises, once what is in flight is over, which
  -- `on_progress` is told.
  -- @tparam table|function items a list of `{ id, action, inputs, options }` as for `Booking:action`, the id may also
  --   be a booking; or an iterator function that returns one item at each call and nil at the end: nothing is then
  --   kept of what is done, so their number is not limited by memory. It may use the client, `tk:bookings` say, but
  --   not from a coroutine of its own (see `update`)
  -- @tparam ?table opts
  -- @tparam[opt=16] integer opts.concurrency how many at once, at most
  -- @tparam ?function opts.on_progress function(index, booking, info, item): an item is done; `nil, err` for the
  --   booking and the info of one that failed. In the order in which they are done
  -- @tparam[opt=false] boolean opts.stop_on_error start no further item once one has failed
  -- @treturn table|nil `done` and `failed`: counts; of a list also the results, in its order: `{ booking, info }` or
  --   `{ nil, err }`; an item that was not started has an error of the kind `cancelled`, which was not sent
  -- @treturn ?table with nil an error of the kind `phase`: nginx cannot wait here
  -- @usage
  -- local results = tk:batch({ { id_1, "confirm" }, { id_2, "decline", { message = "Fully booked" } } })
  -- for index, result in ipairs(results) do
  --   local booking, err = result[1], result[2]
  --   print(index, booking and booking.state or err)
  -- end
  function Client:batch(items, opts)
    local where = "client:batch"
    check(self, where, 3)
    local results, err = run(self, items, options.check(opts, options.batch, where, 3), where, 3)
    return results, err
  end
end

return batch
