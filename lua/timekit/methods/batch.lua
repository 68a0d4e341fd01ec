--- Actions on many bookings, several at once: `Client:batch`.
-- @module timekit.methods.batch

local Error = require "timekit.error"
local handles = require "timekit.booking"
local messages = require "timekit.text.messages"

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
  return { nil, Error.new {
    kind = "cancelled", message = "not started, since another item failed or the batch was cancelled",
    sent = "no", attempts = 0, elapsed = 0,
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
    self.stepped.wait(self.group.pump, turn)
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

--- Performs the items of a batch. See `Client:batch`.
-- @tparam Client client
-- @tparam table|function items
-- @tparam table given its checked options
-- @tparam string where for messages
-- @tparam integer level whom to blame for a wrong item
-- @treturn table|nil nil where the host cannot wait
-- @treturn ?table then the error, of the kind `phase`
function batch.run(client, items, given, where, level)
  local keep = type(items) == "table"
  if not keep and type(items) ~= "function" then
    local got = messages.describe(items)
    error(("%s: expected a list of items or an iterator function, got %s"):format(where, got), level)
  end
  if keep then
    for index, item in ipairs(items) do prepared(client, index, item, where, level + 1) end
  end
  local group, runtime, stepped = client.group()
  local hindered = client.hindrance()
  if hindered then return nil, hindered end
  local self = {
    client = client, group = group, where = where, keep = keep, index = 0, stopped = false,
    items = keep and from_list(items) or items, asking = false, queue = {}, stepped = stepped,
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

return batch
