--- Chaos for `timekit bulk`: runs a file of rows while requests fail, Timekit limits the rate, connections are cut, and
-- the program is killed; then compares what it told with what the sandbox did.
local control = require "spec.chaos.control"
local core = require "timekit.core"
local cut_proxy = require "spec.support.cut_proxy"
local dice = require "spec.support.dice"
local process = require "spec.support.process"
local programs = require "spec.support.program"
local shell = require "spec.support.shell"

local bulk = {}
bulk.__index = bulk

-- What can happen to a request, each with its weight.
local FAULTS = {
  { 5, { what = "close", when = "before" } }, { 5, { what = "close", when = "after" } },
  { 2, { what = "truncate", when = "after" } }, { 2, { what = "garbage", when = "after" } },
  { 1, { what = "status", status = 500, when = "after" } }, { 1, { what = "status", status = 502, when = "before" } },
  { 1, { what = "status", status = 504, when = "after", body = "upstream timed out" } },
  { 2, { what = "status", status = 503, when = "before", headers = { ["retry-after"] = "0" } } },
  { 1, { what = "status", status = 429, when = "before" } },
  { 2, { what = "late", after_requests = 3 } }, { 1, { what = "late", after_requests = 5, status = 502 } },
}

-- The rows of a booking, in their order. Timekit refuses the last one; if an answer to it is lost, too, it stays
-- uncertain by the library's rules, so there are few of these.
local PATHS = {
  { 40, { "confirm" } }, { 10, { "decline" } }, { 14, { "confirm", "cancel" } }, { 1, { "confirm", "decline" } },
  { 3, { "confirm", "confirm" } },
}

local BOOKING = { graph = "confirm_decline", start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z" }

-- Bytes that a row and its answer take, about.
local TRAFFIC = 1500

--- Starts a sandbox with a rate limit, and a proxy in front of it.
-- @tparam table options `seed`; `cut_rate`: the share of the connections that are cut
-- @treturn table `close()` it when done
function bulk.new(options)
  local program = programs.new "RATE_PER_MINUTE=9000 RATE_BURST=40"
  local proxy = cut_proxy.start(program.box.port)
  -- A path with a blank in it cannot be preloaded, so the program's own folder has a link.
  shell.must(('ln -s "$PWD/build/c/killed_write.so" %s/'):format(program.folder))
  program.prelude = program.prelude .. ("\nexport TIMEKIT_BASE_URL=http://127.0.0.1:%s/v2"):format(proxy.port)
  local self = setmetatable({
    program = program, proxy = proxy, dice = dice.new(options.seed, "bulk"), seed = options.seed,
    control = control.new("http://127.0.0.1:" .. program.box.port), runs = 0,
  }, bulk)
  proxy:begin(options.seed, options.cut_rate)
  return self
end

-- Rows in a random order, but those of a booking in theirs.
local function shuffle(own, paths)
  local order = {}
  for index, path in ipairs(paths) do
    for _ = 1, #path.actions do order[#order + 1] = index end
  end
  for index = #order, 2, -1 do
    local other = own:integer(1, index)
    order[index], order[other] = order[other], order[index]
  end
  local rows, taken = {}, {}
  for number, index in ipairs(order) do
    taken[index] = (taken[index] or 0) + 1
    local path = paths[index]
    local action = path.actions[taken[index]]
    local is_refused = taken[index] == 2 and action ~= "cancel"
    rows[number] = { id = path.id, action = action, is_refused = is_refused or nil }
  end
  return rows
end

-- Plans what goes wrong with a row's requests, and with the reads of its booking.
local function plan_faults(self, rows)
  local own, faults = self.dice, {}
  local function plan(match, chance)
    while own:chance(chance) do
      local fault = { match = match }
      for name, value in pairs(own:weighted(FAULTS)) do fault[name] = value end
      faults[#faults + 1] = fault
      chance = 0.3
    end
  end
  for _, row in ipairs(rows) do
    plan(("PUT /v2/bookings/%s/%s"):format(row.id, row.action), 0.25)
    plan("GET /v2/bookings/" .. row.id, 0.05)
  end
  self.control:request("POST", "/_sandbox/faults", { faults = core.array(faults) })
end

--- Makes bookings and a file of rows for them: rows.jsonl or rows.csv.
-- @tparam integer count rows, at least
function bulk:prepare(count)
  local paths, total = {}, 0
  self.control:request("POST", "/_sandbox/reset")
  while total < count do
    -- The rate limit of the sandbox counts by its clock.
    if #paths % 40 == 0 then self.control:request("POST", "/_sandbox/clock", { advance = 60 }) end
    local created = self.control:request("POST", "/v2/bookings", BOOKING)
    paths[#paths + 1] = { id = created.id, actions = self.dice:weighted(PATHS) }
    total = total + #paths[#paths].actions
  end
  self.rows = shuffle(self.dice, paths)
  plan_faults(self, self.rows)
  local is_csv, lines = self.dice:chance(0.5), {}
  if is_csv then lines[1] = "id,action,key,message" end
  for number, row in ipairs(self.rows) do
    local message = row.action == "decline" and 'Closed, "sorry"' or nil
    lines[#lines + 1] = is_csv
      and ('%s,%s,k%d,%s'):format(row.id, row.action, number, message and '"Closed, ""sorry"""' or "")
      or core.encode {
        id = row.id, action = row.action, key = "k" .. number, inputs = message and { message = message },
      }
  end
  self.file = is_csv and "rows.csv" or "rows.jsonl"
  shell.must(("rm -f %s/rows.*"):format(self.program.folder))
  self.program:write(self.file, table.concat(lines, "\n") .. "\n")
end

-- The words that have the program killed at a write of the journal.
local function preload(kill)
  if not kill or not kill.write then return "" end
  return ("env LD_PRELOAD=./killed_write.so KILL_FILE=.journal KILL_AT=%d KILL_SHARE=%s "):format(
    kill.write, kill.share)
end

--- Runs the program, which goes on where it was killed before.
-- @tparam ?table kill when it is killed: `bytes` of traffic, and `soon` after them instead of at once; or `write`, the
--   number of a write to the journal, and `share`, see spec/c/killed_write.c; nil: it is not killed
-- @treturn integer its exit code; 137: it was killed
function bulk:run(kill)
  self.runs = self.runs + 1
  local command = ("timekit bulk %s --resume --rate 9000/min --results results.jsonl"):format(self.file)
  self.program:write("run.sh", self.program:script(([[
exec 2> /dev/null
sh -c 'echo $$; read go; exec %s%s 2> notes'
echo exit $?]]):format(preload(kill), command)))
  local started = process.start("sh " .. self.program.folder .. "/run.sh")
  if kill and kill.bytes then self.proxy:kill(started.line, kill.bytes, kill.soon) end
  started:say "go"
  local code = tonumber(started:read():match "^exit (%d+)$")
  self.proxy:kill(nil)
  started:close()
  self.command, self.notes = command, self.program:read "notes"
  return code
end

--- A random point at which a run may be killed.
-- @tparam integer kills how many are to come
-- @treturn table for `run`
function bulk:random_kill(kills)
  local own = self.dice
  return { bytes = own:integer(1, math.ceil(#self.rows * TRAFFIC / (kills + 1))), soon = own:chance(0.3) }
end

-- ---- judging ----

local function decode_lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = assert(core.decode(line), line) end
  return list
end

-- What the sandbox did: `id action` → how often it was applied, and how often it was asked for.
local function truth(self)
  self.proxy:settle()
  self.control:request("DELETE", "/_sandbox/faults")
  self.control:request("POST", "/_sandbox/clock", { advance = 60 })
  -- More requests than any late one waits for.
  for _ = 1, 8 do self.control:request("GET", "/v2/bookings?limit=1") end
  local applied, asked = {}, {}
  for _, booking in ipairs(self.control:request("GET", "/_sandbox/bookings")) do
    for _, step in ipairs(booking.history) do
      local name = booking.id .. " " .. tostring(step.action)
      applied[name] = (applied[name] or 0) + 1
    end
  end
  for _, request in ipairs(self.control:request("GET", "/_sandbox/requests")) do
    local id, action = request.target:match "/bookings/([^/]+)/([^/?]+)$"
    if request.method == "PUT" and id then
      asked[id .. " " .. action] = (asked[id .. " " .. action] or 0) + 1
    end
  end
  return applied, asked
end

-- The journal by itself: notes come before requests, and rows of a booking do not overtake each other. Returns how
-- often each row was noted as sent.
local function read_journal(self, complain)
  local sent, under_way, ended = {}, {}, {}
  for _, line in ipairs(decode_lines(self.program:read(self.file .. ".journal"))) do
    if line.run then under_way = {} end
    if line.sent then
      sent[line.row] = (sent[line.row] or 0) + 1
      local other = under_way[line.id]
      if other and other ~= line.row then complain(line.row, "overtakes row " .. other) end
      under_way[line.id] = line.row
    elseif line.outcome then
      if ended[line.row] then complain(line.row, "ended twice") end
      ended[line.row], under_way[line.id] = true, nil
    end
  end
  for number, row in ipairs(self.rows) do
    if sent[number] then
      for before = 1, number - 1 do
        local comes_too_early = self.rows[before].id == row.id and not ended[before]
        if comes_too_early then complain(number, "was sent before row " .. before) end
      end
    end
  end
  return sent
end

-- How often an action was applied, at least and at most, by the outcome that was told.
local TRUE_COUNTS = { done = { 1, 1 }, reconciled = { 1, 1 }, failed = { 0, 0 }, uncertain = { 0, 1 } }

-- `id action` → what its rows tell: `least`, `most`; and how often they were noted as `sent`. It has several rows if
-- they are equal.
local function tell_by_name(rows, results, sent)
  local told = {}
  for number, row in ipairs(rows) do
    local name = row.id .. " " .. row.action
    local range = TRUE_COUNTS[(results[number] or {}).outcome] or { 0, 0 }
    local sum = told[name] or { least = 0, most = 0, sent = 0 }
    sum.least, sum.most = sum.least + range[1], sum.most + range[2]
    sum.sent = sum.sent + (sent[number] or 0)
    told[name] = sum
  end
  return told
end

--- Compares what the program told, after a run that was not killed, with what happened.
-- @treturn table `violations`: a list of texts; `done`, `reconciled`, `failed`, `uncertain`: counts; `needless`:
--   how many of the uncertain rows were possible
function bulk:judge()
  local verdict = { violations = {}, done = 0, reconciled = 0, failed = 0, uncertain = 0, needless = 0 }
  local function complain(number, text)
    table.insert(verdict.violations, ("row %d %s"):format(number, text))
  end
  local applied, asked = truth(self)
  local sent = read_journal(self, complain)
  local results = decode_lines(self.program:read "results.jsonl")
  if #results ~= #self.rows then complain(#results, "is the last result of " .. #self.rows) end
  local by_name = tell_by_name(self.rows, results, sent)
  for number, row in ipairs(self.rows) do
    local name, told = row.id .. " " .. row.action, results[number] or {}
    local count, sum = applied[name] or 0, by_name[name]
    if told.row ~= number or told.id ~= row.id or told.action ~= row.action or told.key ~= "k" .. number then
      complain(number, "is told as another one")
    elseif not TRUE_COUNTS[told.outcome] or count < sum.least or count > sum.most then
      complain(number, ("%s was told as %s and applied %d times"):format(row.action, tostring(told.outcome), count))
    else
      verdict[told.outcome] = verdict[told.outcome] + 1
      if told.outcome == "uncertain" and not row.is_refused then verdict.needless = verdict.needless + 1 end
    end
    if (asked[name] or 0) > sum.sent then
      complain(number, ("was asked for %d times and noted %d times"):format(asked[name], sum.sent))
    end
  end
  return verdict
end

--- Runs a file of its own for each write to the journal, killed at that write and then resumed.
-- @tparam integer count rows of each file, at least
-- @tparam function shares_of function(write): a list of how much of that write reaches the file before, one run for
--   each: see spec/c/killed_write.c
-- @treturn {string,...} what was not true
-- @treturn integer how many runs were killed
function bulk:kill_at_every_write(count, shares_of)
  local violations, write, killed = {}, 0, 0
  repeat
    write = write + 1
    local ended
    for _, share in ipairs(shares_of(write)) do
      self:prepare(count)
      ended = self:run { write = write, share = share } ~= 137
      if not ended then
        killed = killed + 1
        self:run()
      end
      for _, text in ipairs(self:judge().violations) do
        violations[#violations + 1] = ("killed at write %d, with %s of it written: %s"):format(write, share, text)
      end
    end
  until ended
  return violations, killed
end

function bulk:close()
  self.control:close()
  self.proxy:close()
  self.program:close()
end

return bulk
