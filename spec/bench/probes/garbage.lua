--- A program: the garbage of an action. `lua garbage.lua URL COUNT` prints the bytes that Lua allocates for each, and
-- those that a booking and its info keep.
local actions = require "spec.bench.actions"

local URL, COUNT = arg[1], tonumber(arg[2])

local function bytes() return collectgarbage("count") * 1024 end

local kept = { count = 0 }
local function keep(booking, info)
  assert(booking, info)
  kept[kept.count + 1], kept[kept.count + 2] = booking, info
  kept.count = kept.count + 2
end

local tk = actions.client { base_url = URL }
-- A first round: the list gets its size, and what happens only once happens now.
actions.one_after_the_other(tk, COUNT, keep)
for index = 1, kept.count do kept[index] = false end
kept.count = 0

collectgarbage()
collectgarbage()
local before = bytes()
collectgarbage("stop")
actions.one_after_the_other(tk, COUNT, keep)
local allocated = bytes() - before
collectgarbage("restart")
collectgarbage()
collectgarbage()
local left = bytes() - before
assert(kept.count == 2 * COUNT)
print(allocated / COUNT, left / COUNT)
tk:close()
