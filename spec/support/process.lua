--- Starts helper programs for the specs, and ends them however the suite ends.
-- A program prints one line when it is ready, usually its port. It ends when its standard input does,
-- so no program outlives the suite.
local process = {}
process.__index = process

local function run(command)
  local ok = os.execute(command)
  assert(ok == true or ok == 0, "failed: " .. command) -- Lua 5.1: a number
end

--- Starts `command` (a shell command) and waits for its first line of output.
-- @tparam string command
-- @treturn table with `line`, the first line printed, and `close()`
function process.start(command)
  local fifo = os.tmpname()
  os.remove(fifo)
  run("mkfifo -m 600 " .. fifo)
  local input = assert(io.popen("exec " .. command .. " > " .. fifo, "w"))
  -- Opening blocks until the program has the other end, so no polling is needed.
  local output = assert(io.open(fifo))
  os.remove(fifo)
  local line = output:read("*l")
  return setmetatable({ line = line, input = input, output = output }, process)
end

--- Sends a line to the program's standard input.
-- @tparam string text
function process:say(text)
  self.input:write(text, "\n")
  self.input:flush()
end

--- Reads a further line that the program printed; blocks until there is one.
-- @treturn string|nil the line, nil at the end
function process:read()
  return self.output:read("*l")
end

--- Ends the program and waits until it has.
function process:close()
  if not self.input then return end
  self.input:close()
  self.output:close()
  self.input = nil
end

return process
