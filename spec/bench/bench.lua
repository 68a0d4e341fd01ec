--- `make bench`: this library next to its peers, and what it costs; prints tables and writes build/bench.md.
-- From the environment: ROUNDS (5) and SECONDS (1, of a slice) of what is compared; ACTIONS (1,000,000) of the row that
-- looks for growth; ROWS (all): the names of some of spec/bench/rows, with spaces between them.
local Report = require "spec.bench.report"
local server = require "spec.bench.server"
local shell = require "spec.support.shell"

local FILE = "build/bench.md"
local ROWS = "throughput far own_cost check memory bulk growth garbage startup first_answer nginx frames tls link queue"
  .. " rate"

local function setting(name, missing)
  local value = tonumber(os.getenv(name) or "") or missing
  if value <= 0 then error(name .. ": expected a number above 0", 0) end
  return value
end

local context = {
  plan = { rounds = setting("ROUNDS", 5), seconds = setting("SECONDS", 1) },
  actions = setting("ACTIONS", 1000000),
}

local report = Report.new()
report:line("# timekit's benchmarks")
report:line("")
report:line("%s, %s cores, load %s; %s; libcurl %s; nginx %s. %d rounds of %g seconds: median (smallest–greatest).",
  shell.must("uname -m"):match("%S+"), shell.must("nproc"):match("%S+"), shell.must("cat /proc/loadavg"):match("%S+"),
  _VERSION, shell.must("pkg-config --modversion libcurl"):match("%S+"),
  shell.must("env PATH=/usr/sbin:$PATH nginx -v"):match("nginx/(%S+)"), context.plan.rounds, context.plan.seconds)
report:line("Each answer is checked. The clients have a core, the server has another one, where there are two.")

context.server = server.start()
local ok, problem = xpcall(function()
  local wanted = os.getenv("ROWS") or ""
  for name in (wanted:find("%S") and wanted or ROWS):gmatch("%S+") do
    require("spec.bench.rows." .. name)(report, context)
  end
end, debug.traceback)
local complaints = context.server.complaints()
context.server.close()
if not ok then error(problem, 0) end
assert(complaints == "", complaints)
report:verdict()
report:write(FILE)
