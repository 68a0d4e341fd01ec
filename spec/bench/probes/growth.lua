--- A program: whether many actions leave something behind. `lua growth.lua URL IN_FLIGHT WARMUP COUNT` prints by how
-- many bytes what is resident grew during the last COUNT, and what Lua keeps.
local actions = require "spec.bench.actions"
local process_memory = require "spec.bench.process_memory"

local URL, IN_FLIGHT, WARMUP, COUNT = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])

local function succeeded(booking, info) assert(booking and booking.state == "confirmed", info) end

local tk = actions.client { base_url = URL }
actions.many_at_once(tk, IN_FLIGHT, WARMUP, succeeded)
local of_lua, resident = process_memory.of_lua(), process_memory.resident()
actions.many_at_once(tk, IN_FLIGHT, COUNT, succeeded)
print(process_memory.resident() - resident, process_memory.of_lua() - of_lua)
tk:close()
