--- A list that keeps its latest items only, so that a sandbox can serve a load test for days.
-- @module timekit.sandbox.model.latest

local latest = {}

--- A list of the latest items.
-- @type Latest
local Latest = {}
Latest.__index = Latest

--- Adds an item. Once the list is full, the oldest item makes room for it.
-- @tparam table item
-- @treturn function takes the item out again, if nothing was added since
function Latest:add(item)
  local position = self.count % self.limit + 1
  local replaced = self.items[position]
  self.items[position], self.count = item, self.count + 1
  return function() self.items[position], self.count = replaced, self.count - 1 end
end

--- Finds an item by its place among all that were ever added.
-- @tparam number number from 1
-- @treturn table|nil nil when it has made room for another, or was never added
function Latest:get(number)
  if number < 1 or number > self.count or number <= self.count - self.limit or number % 1 ~= 0 then return nil end
  return self.items[(number - 1) % self.limit + 1]
end

--- The items, oldest first.
-- @treturn {table,...} a new list of the items themselves
function Latest:list()
  local list = {}
  for number = math.max(0, self.count - self.limit), self.count - 1 do
    list[#list + 1] = self.items[number % self.limit + 1]
  end
  return list
end

--- @section end

--- Makes an empty list.
-- @tparam number limit how many items it keeps
-- @treturn Latest
function latest.new(limit)
  return setmetatable({ limit = limit, items = {}, count = 0 }, Latest)
end

return latest
