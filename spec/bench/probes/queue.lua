--- What a Redis costs, as a program: a command, a queue's jobs, and how both grow. Prints a line for each number, its
-- name and its value. Arguments: the Redis, Timekit's URL, the seconds of a slice, and the most jobs that wait.
local address, url, seconds, most = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4])
local core = require "timekit.core"
local timekit = require "timekit"

local tk = timekit.new { app_key = "test_api_key_1", base_url = url }
local function queue_of(name) return tk:queue { redis = address, name = name, durable = false, most = 10 * most } end
local link = queue_of("link").jobs.link
local host = { runtime = require "timekit.runtime.blocking", pump = tk.runner.pump }

local function tell(name, value) print(("%s\t%.6f"):format(name, value)) end

-- Seconds that one takes, and the median's.
local function measure(fn)
  local times, began = {}, core.now()
  repeat
    local before = core.now()
    fn(#times + 1)
    times[#times + 1] = core.now() - before
  until core.now() - began >= seconds
  table.sort(times)
  return (core.now() - began) / #times, times[math.ceil(#times / 2)]
end

local function ask(args) return assert(link:ask(host, args, 20)) end

local function finish(transfers)
  for _, transfer in ipairs(transfers) do
    while not transfer:done() do host.pump:wait(1) end
    assert(not transfer:result().failure, transfer:result().failure and transfer:result().failure.message)
  end
end

tell("a command", measure(function() ask { "PING" } end))
tell("a script", measure(function() link:ask_script(host, "return 1", { "k" }, {}, 20) end))
tell("a command of 64", measure(function()
  local transfers = {}
  for index = 1, 64 do transfers[index] = link:start { "PING" } end
  finish(transfers)
end) / 64)

-- ---- jobs ----

local script = require "timekit.redis.scripts.queue"

local function fill(queue, first, last)
  for from = first, last, 500 do
    local transfers = {}
    for index = from, math.min(last, from + 499) do
      transfers[#transfers + 1] = link:run(script, queue.jobs.keys, { "add", "job-" .. index,
        ("%08d-6ec0-4ebb-b627-7ce6aa9fc703"):format(index), "decline", '{"message":"Fully booked"}', "{}", 0, "", "",
        10 * most, 604800 })
    end
    finish(transfers)
  end
end

local adding = queue_of "adding"
local _, median = measure(function(index) assert(adding:add("booking-" .. index, "confirm")) end)
tell("add, median", median)

local function one_job(queue)
  local job = assert(queue.jobs:take(host, "worker", 1, 60))[1]
  assert(queue.jobs:mark(host, job, 60) == 1)
  assert(queue.jobs:finish(host, job, "done", "{}") == 1)
end

local working = queue_of "working"
fill(working, 1, math.ceil(seconds * 5000))
tell("take, mark and finish", measure(function() one_job(working) end))

fill(working, 1000001, 1000000 + math.ceil(seconds * 20000))
tell("take, mark and finish, 64 at once", measure(function()
  local list, transfers = assert(working.jobs:take(host, "worker", 64, 60)), {}
  for _, verb in ipairs { "mark", "finish" } do
    for index, job in ipairs(list) do
      local args = verb == "mark" and { verb, job.id, job.fence, 60000 }
        or { verb, job.id, job.fence, "done", "{}", 604800 }
      transfers[index] = link:run(script, working.jobs.keys, args)
    end
    finish(transfers)
  end
end) / 64)

local function memory()
  return tonumber(ask({ "INFO", "memory" }):match "used_memory:(%d+)")
end

local waiting, before, count = queue_of "waiting", memory(), 0
local size = 1000
while size <= most do
  fill(waiting, count + 1, size)
  count = size
  tell("bytes a job of " .. size, (memory() - before) / size)
  tell("take of " .. size, measure(function()
    local job = assert(waiting.jobs:take(host, "worker", 1, 60))[1]
    assert(waiting.jobs:again(host, job, 0, false, "{}") == 1)
  end) / 2)
  size = size * 10
end
tk:close()
