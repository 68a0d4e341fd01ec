--- A binary heap of tables, the one with the smallest `at` first. An item is in one heap at a time.
-- @module timekit.runtime.heap

--- A heap.
-- @type Heap
local Heap = {}
Heap.__index = Heap

local heap = {}

--- Makes an empty heap.
-- @treturn Heap
function heap.new()
  return setmetatable({ size = 0 }, Heap)
end

local function put(self, item, slot)
  self[slot], item.slot = item, slot
end

local function rise(self, item, slot)
  while slot > 1 do
    local parent = math.floor(slot / 2)
    if self[parent].at <= item.at then break end
    put(self, self[parent], slot)
    slot = parent
  end
  put(self, item, slot)
end

local function sink(self, item, slot)
  while slot * 2 <= self.size do
    local child = slot * 2
    if child < self.size and self[child + 1].at < self[child].at then child = child + 1 end
    if item.at <= self[child].at then break end
    put(self, self[child], slot)
    slot = child
  end
  put(self, item, slot)
end

--- Puts an item in.
-- @tparam table item with the number `at`; its field `slot` belongs to the heap
function Heap:add(item)
  self.size = self.size + 1
  rise(self, item, self.size)
end

--- Takes an item out. Does nothing when it is not in.
-- @tparam table item
function Heap:remove(item)
  local slot = item.slot
  if not slot then return end
  local last = self[self.size]
  self[self.size], item.slot = nil, nil
  self.size = self.size - 1
  if last == item then return end
  rise(self, last, slot)
  sink(self, last, last.slot)
end

--- The item that comes first.
-- @treturn table|nil
function Heap:first()
  return self[1]
end

return heap
