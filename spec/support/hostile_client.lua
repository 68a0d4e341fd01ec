--- A program that performs one operation as a user would, and prints its result and its cost. It is a process of its
-- own so that its peak of memory is the operation's, and so that an operation that hangs can be killed.
--
-- It prints `{}` when it is ready and takes a job, a line of JSON: `options` of the client, `booking` (an id), `action`
-- (none: a read), `linger` (wait for the end of the input afterwards), `go_on` (make another request afterwards, with
-- which an unwanted repeat would go out). It prints the result, and `{"lived":true}` last.
local core = require "timekit.core"
local timekit = require "timekit"

local function peak()
  local file = assert(io.open("/proc/self/status"))
  local kilobytes = file:read("*a"):match("VmHWM:%s*(%d+) kB")
  file:close()
  return tonumber(kilobytes) * 1024
end

local function say(value)
  io.write(assert(core.encode(value)), "\n")
  io.flush()
end

-- Texts from a hostile server are checked here: they are printed in hexadecimal or not at all.
local function is_one_line(err)
  local text = tostring(err)
  return #text < 1000 and not text:find("%c")
end

local function hex(text)
  return (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

say {}
local job = assert(core.decode(io.read("*l")))
local before = peak()
local tk = timekit.new(job.options)
local booking = tk:booking(job.booking)
local began = core.now()
local ok, data, info = pcall(function()
  if job.action then return booking:action(job.action) end
  return booking:get()
end)
local elapsed, after = core.now() - began, peak()

local told = { elapsed = elapsed, grown = after - before, raised = not ok and tostring(data) or nil }
if ok and data then
  told.state, told.note = data.state, data.note and hex(data.note)
  told.attempts, told.reconciled = info.attempts, info.reconciled
elseif ok then
  told.kind, told.cause, told.sent = info.kind, info.cause and info.cause.kind, info.sent
  told.state, told.attempts, told.one_line = info.state, info.attempts, is_one_line(info)
end
say(told)

if job.linger then io.read("*a") end
if job.go_on then tk:booking("afterwards"):get { timeout = 0.2 } end
say { lived = true }
