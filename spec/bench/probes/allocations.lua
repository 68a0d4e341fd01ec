--- A program: what Lua allocates for an action, the booking that is returned included.
-- `lua allocations.lua URL MANNER COUNT`, MANNER a function of `spec.bench.actions`, 64 in flight, prints the blocks
-- and the bytes.
local actions = require "spec.bench.actions"
local counted = assert(package.loadlib("build/bench/counted.so", "luaopen_counted"))()

local URL, MANNER, COUNT = arg[1], arg[2], tonumber(arg[3])
local IN_FLIGHT = 64

local function succeeded(booking, info) assert(booking and booking.state == "confirmed", info) end

local tk = actions.client { base_url = URL }

local function allocated(count)
  local blocks, bytes = counted()
  actions[MANNER](tk, IN_FLIGHT, count, succeeded)
  local blocks_after, bytes_after = counted()
  return blocks_after - blocks, bytes_after - bytes
end

allocated(COUNT)
-- What happens once for a run, or for each that is in flight, cancels out.
local few_blocks, few_bytes = allocated(COUNT)
local many_blocks, many_bytes = allocated(2 * COUNT)
print((many_blocks - few_blocks) / COUNT, (many_bytes - few_bytes) / COUNT)
tk:close()
-- Closing Lua would unload the module before its memory.
os.exit(0)
