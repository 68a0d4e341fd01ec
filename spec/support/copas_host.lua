--- A program that confirms bookings in threads of a real copas, for spec/hosts/copas_spec.lua.
-- Arguments: the sandbox, the URL of a server that never answers, then ids of bookings, the last for a batch. Prints
-- what came of each, in order, and what happened to others meanwhile.
local copas = require "copas"
local core = require "timekit.core"
local timekit = require "timekit"

local url, silent_url = arg[1], arg[2]
local tk = timekit.new { runtime = "copas", base_url = url }
local silent = timekit.new { runtime = "copas", base_url = silent_url, retries = 0 }
local box = timekit.sandbox.new()
local inside = timekit.new { runtime = "copas", transport = box }
local told, left = {}, 0

local function spawn(name, fn)
  left = left + 1
  copas.addthread(function()
    local outcome = fn()
    told[#told + 1] = name .. " " .. outcome
    left = left - 1
  end)
end

-- It is answered only once the others are over, so none of them waits for it.
spawn("closed", function()
  local _, err = silent:booking(arg[3]):get()
  return err.kind
end)
for index = 3, #arg - 1 do
  spawn("booking", function()
    local booking, info = tk:booking(arg[index]):confirm()
    return booking and booking.state or tostring(info)
  end)
end
spawn("batch", function() return tk:batch({ { arg[#arg], "confirm" } }).done end)
spawn("late", function()
  local _, err = silent:booking(arg[3]):get { timeout = 0.1 }
  return err.kind
end)
spawn("inside", function()
  local booking, err = inside:create_booking {
    graph = "instant", start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z",
  }
  return booking and booking.state or tostring(err)
end)
spawn("sleeper", function()
  local began = core.now()
  require("timekit.runtime.copas").sleep(0.05, { closed = false, on_close = function() end })
  return core.now() - began >= 0.05 and "slept" or "woke early"
end)

local deadline = core.now() + 20
while left > 1 and core.now() < deadline do copas.step(20) end
silent:close()
while left > 0 and core.now() < deadline do copas.step(20) end
table.sort(told)
for _, line in ipairs(told) do print(line) end
tk:close()
