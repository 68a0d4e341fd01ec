--- For spec/bench/rows/bulk.lua: performs as many actions as asked for, by `timekit bulk` or by `tk:batch`, 16 in
-- flight. Prints actions a second, and the most that was resident, in bytes.
-- Arguments: the server's base URL, `bulk` or `batch`, the number of actions.
local core = require "timekit.core"
local timekit = require "timekit"

local url, how, count = arg[1], arg[2], tonumber(arg[3])
local KEY = "test_api_key_9TQkz6rhSzKf2mWb7XcDn4VpLj8Gy5Ra"
local MESSAGE = "See you on Monday. Please arrive ten minutes early, through the garden doors."

local function id_of(number)
  return ("%08x-27da-4afd-8d0c-847f9340331b"):format(number)
end

local perform = {}

function perform.batch()
  local tk, index = timekit.new { app_key = KEY, base_url = url }, 0
  local began = core.now()
  local results = tk:batch(function()
    index = index + 1
    return index <= count and { id_of(index), "confirm", { message = MESSAGE } } or nil
  end)
  assert(results.failed == 0 and results.done == count)
  return core.now() - began
end

function perform.bulk()
  local rows = os.tmpname()
  local file = assert(io.open(rows, "w"))
  for number = 1, count do
    file:write(('{"id":"%s","action":"confirm","inputs":{"message":"%s"}}\n'):format(id_of(number), MESSAGE))
  end
  file:close()
  local key_file = os.tmpname()
  file = assert(io.open(key_file, "w"))
  file:write(KEY, "\n")
  file:close()
  local began = core.now()
  local code = require("timekit.cli.main").run {
    "--base-url", url, "--key-file", key_file, "-q", "bulk", rows, "--rate", "none", "--results", "/dev/null",
  }
  local elapsed = core.now() - began
  assert(code == 0, code)
  for _, path in ipairs { rows, rows .. ".journal", key_file } do os.remove(path) end
  return elapsed
end

local elapsed = perform[how]()
for line in io.lines "/proc/self/status" do
  local kilobytes = line:match "^VmHWM:%s+(%d+) kB"
  if kilobytes then print(count / elapsed, kilobytes * 1024) end
end
