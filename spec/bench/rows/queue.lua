--- What a Redis costs: a command, a queue's jobs, and how they grow with the jobs that wait and with the workers. JOBS
-- in the environment: how many jobs wait at the most, 1,000,000 unless given, a power of ten.
local core = require "timekit.core"
local load = require "spec.bench.load"
local numbers = require "spec.bench.numbers"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local sandbox_server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

local MOST, JOBS = tonumber(os.getenv "JOBS" or "") or 1000000, 1500

local function probe(report, name, options, most, seconds)
  local server = redis.start(options)
  local output = load.run(("%s spec/bench/probes/queue.lua %s http://127.0.0.1:1/v2 %g %d"):format(
    this_lua.command, server.address, seconds, most), nil, 3600)
  server:close()
  local body, found = {}, {}
  for what, value in output:gmatch "([^\n\t]+)\t(%S+)\n" do
    found[what] = tonumber(value)
    local is_memory = what:find "^bytes"
    body[#body + 1] = { what, is_memory and ("%.0f"):format(value) or ("%.1f"):format(value * 1e6) }
  end
  report:line("%s", name)
  report:line("")
  report:table({ "what", "µs, or bytes" }, body)
  report:line("")
  return found
end

local function add(box, queue)
  local _, answer = box:request("POST", "/v2/bookings",
    [[{"graph":"confirm_decline","start":"2099-01-01T10:00:00Z","end":"2099-01-01T11:00:00Z"}]])
  return function() return assert(queue:add(answer.data.id, "confirm")) end
end

local function start_worker(server, box)
  return process.start(("sh -c 'echo $$; exec %s spec/bench/probes/queue_worker.lua %s %s bench'"):format(
    this_lua.command, server.address, box.url))
end

local function stop_worker(member)
  shell.run("kill -9 " .. member.line)
  member:close()
end

-- Milliseconds from the call of `add` until a worker that was idle has marked the job.
local function latency()
  local server, box = redis.start(), sandbox_server.start()
  local tk = timekit.new { app_key = "test_api_key_1", base_url = box.url }
  local queue, member, times = tk:queue { redis = server.address, name = "bench" }, start_worker(server, box), {}
  for index = 1, 50 do
    local fn = add(box, queue)
    -- Until the worker has come to rest again.
    core.sleep(0.05)
    local began = core.now()
    local job = fn()
    repeat until queue:get(job.id).sent
    times[index] = (core.now() - began) * 1000
  end
  stop_worker(member)
  tk:close()
  server:close()
  box:close()
  table.sort(times)
  return times[math.ceil(#times / 2)]
end

-- Actions a second, from the first that is done to the last.
local function work(workers)
  local server, box = redis.start(), sandbox_server.start()
  local tk = timekit.new { app_key = "test_api_key_1", base_url = box.url }
  local queue, members = tk:queue { redis = server.address, name = "bench" }, {}
  for _ = 1, JOBS do add(box, queue)() end
  for index = 1, workers do members[index] = start_worker(server, box) end
  local began
  while true do
    local done = queue:stats().done
    if done > 0 then began = began or { at = core.now(), done = done } end
    if done == JOBS then break end
    core.sleep(0.01)
  end
  local rate = (JOBS - began.done) / (core.now() - began.at)
  for _, member in ipairs(members) do stop_worker(member) end
  tk:close()
  server:close()
  box:close()
  return rate
end

return function(report, context)
  report:heading("Redis: the link and the queue")
  local seconds = context.plan.seconds
  local durable = probe(report, "appendfsync always:", redis.DURABLE, 1000, seconds)
  local memory = probe(report, "Without a file, to show what grows:", "", MOST, seconds)
  local body = {}
  for index, workers in ipairs { 1, 2, 4 } do
    body[index] = { tostring(workers), numbers.grouped(math.floor(work(workers))) }
  end
  report:line("Actions a second, from the queue through workers of 16 jobs each to a sandbox, all on one machine:")
  report:line("")
  report:table({ "workers", "actions/s" }, body)
  report:row {
    name = "queue: from add to an idle worker's mark, ms (median)", value = latency(), format = "%.1f", at_least = 10,
    aim = 3, most = true,
  }
  local many = ("%d"):format(MOST)
  report:row {
    name = ("queue: a take from %s waiting jobs, by one from 1,000"):format(numbers.grouped(MOST)),
    value = memory["take of " .. many] / memory["take of 1000"], format = "%.2f", at_least = 2, aim = 1.3, most = true,
  }
  report:row {
    name = "queue: bytes of a waiting job", value = memory["bytes a job of " .. many], format = "%.0f",
    at_least = 1000, aim = 835, most = true,
  }
  report:row {
    name = "queue: add, ms (median)", value = durable["add, median"] * 1000, format = "%.2f", at_least = 2, aim = 0.5,
    most = true,
  }
end
