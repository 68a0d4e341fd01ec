--- Actions on many bookings, several at once.
-- What it adds to a client is documented there, as a method of `Client`.
-- @module timekit.methods.batch

local Error = require "timekit.error"
local handles = require "timekit.booking"
local messages = require "timekit.text.messages"
local options = require "timekit.options"

local batch = {}

local CONCURRENCY = 16

-- For errors raised in a coroutine, which has no line of the caller's to blame: a level beyond any stack.
local NOBODY = 1000000

-- Checks an item, and raises naming it when it is wrong. Returns the function that performs it.
local function prepare(client, index, item, where, level)
  local name = ("%s: item %d"):format(where, index)
  handles.check_item(item, name, level + 1)
  local perform = handles.prepare(client, item[1], item[2], item[3], item[4], name, level + 1)
  return perform
end

local function iterate(items)
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

local function wake(self, count)
  for _ = 1, math.min(count, #self.waiting) do self.group.pump:wake(table.remove(self.waiting, 1)) end
end

-- Waits until no other worker is inside the iterator. To the runtime, waiting for that is waiting for a transfer.
local function await_iterator(self)
  while self.iterating and not is_over(self) do
    local turn = { done = function() return not self.iterating or is_over(self) end, cancel = function() end }
    self.waiting[#self.waiting + 1] = turn
    self.client.runner.call_runtime.wait(self.group.pump, turn)
  end
end

-- One worker at a time asks the iterator for an item: the iterator may wait itself, for a page of a list say, and Lua
-- cannot resume it from another coroutine meanwhile.
local function next_item(self)
  await_iterator(self)
  if is_over(self) then return nil end
  self.iterating = true
  local item = self.iterator()
  self.iterating = false
  wake(self, 1)
  return item
end

-- A worker: performs one item after the other until there are none, or until a failure ends the batch.
local function work(self)
  while not is_over(self) do
    local item = next_item(self)
    if item == nil then break end
    local index = self.started + 1
    self.started = index
    local booking, info = prepare(self.client, index, item, self.where, NOBODY)()
    local results = self.results
    results.done = results.done + 1
    if not booking then
      results.failed = results.failed + 1
      self.stopped = self.stopped or self.stop_on_error
    end
    if self.is_list then results[index] = { booking, info } end
    if self.on_progress then self.on_progress(index, booking, info, item) end
  end
  -- No item is left or none may follow, so the workers that wait for the iterator can end.
  self.stopped = true
  wake(self, math.huge)
end

-- Performs the items. Returns what `Client:batch` does.
local function run(client, items, given, where, level)
  local is_list = type(items) == "table"
  if not is_list and type(items) ~= "function" then
    local got = messages.describe(items)
    error(("%s: expected a list of items or an iterator function, got %s"):format(where, got), level)
  end
  if is_list then
    for index, item in ipairs(items) do prepare(client, index, item, where, level + 1) end
  end
  local hindered = client.runner:hindrance()
  if hindered then return nil, hindered end
  local group, runtime = client.runner:group()
  group.is_bulk = true
  local self = {
    client = client, group = group, where = where, is_list = is_list,
    on_progress = given.on_progress, stop_on_error = given.stop_on_error,
    iterator = is_list and iterate(items) or items,
    iterating = false,                     -- a worker is inside the iterator
    waiting = {},                          -- the turns of the workers that wait for it, in order
    started = 0,                           -- the index of the item that was started last
    stopped = false,                       -- no further item may be started
    results = { done = 0, failed = 0 },
  }
  -- The failed coroutine may have held the iterator's turn; pass it on.
  function group.on_problem()
    self.iterating = false
    wake(self, math.huge)
  end
  for _ = 1, given.concurrency or CONCURRENCY do group:add(work, self) end
  group:join(runtime)
  if is_list then
    for index = 1, #items do self.results[index] = self.results[index] or not_started() end
  end
  return self.results
end

-- Adds the method to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function batch.install(Client, check)
  --- @type Client

  --- Performs actions on many bookings, several at once, within the client's `rate`.
  -- Waits as every method does: a script until all is done; a call of `start` and a coroutine of an event loop let
  -- their host go on.
  --
  -- One item's failure does not stop the others. Raises on wrong options, on a closed client, and on a wrong item: an
  -- invalid id or action, inputs that cannot be written as JSON, parts that are given by name. A list is checked before
  -- anything is sent. What a wrong item of an iterator raises, or the iterator or `on_progress` itself, is raised once
  -- the actions in flight are over; `on_progress` still hears of those.
  -- @tparam {BatchItem,...}|fun():BatchItem? items a list of `{ id, action, inputs, options }` as for `Booking:action`,
  --   the id may also be a booking; or an iterator function that returns one item each time and nil at the end. The
  --   results of an iterator's items are not kept, so memory does not limit their number. It may use the client,
  --   `tk:bookings` say, but not from a coroutine of its own (see `update`)
  -- @tparam ?BatchOptions opts
  -- @tparam[opt=16] integer opts.concurrency how many at once, at most
  -- @tparam ?fun(index:integer,booking?:BookingData,info:Info|Error,item:BatchItem) opts.on_progress function(index,
  --   booking, info, item): called for each item as soon as it is done, with `nil, err` in the places of booking and
  --   info when it failed
  -- @tparam[opt=false] boolean opts.stop_on_error start no further item once one has failed
  -- @treturn Results|nil `done` and `failed`: counts; of a list also the results, in its order: `{ booking, info }` or
  --   `{ nil, err }`. An item that was not started has an error of the kind `cancelled` whose `sent` is `"no"`
  -- @treturn ?Error with nil an error of the kind `phase`: the host cannot wait here
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
