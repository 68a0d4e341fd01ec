--- How much memory this process takes.
local process_memory = {}

--- What is resident, after a full collection.
-- @treturn number bytes
function process_memory.resident()
  collectgarbage()
  collectgarbage()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+) kB")
    if kilobytes then return tonumber(kilobytes) * 1024 end
  end
  error("/proc/self/status does not tell", 0)
end

--- What Lua keeps, after a full collection.
-- @treturn number bytes
function process_memory.of_lua()
  collectgarbage()
  collectgarbage()
  return collectgarbage("count") * 1024
end

return process_memory
