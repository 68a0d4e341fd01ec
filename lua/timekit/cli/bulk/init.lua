--- `timekit bulk`: from the arguments to the exit code.
-- @module timekit.cli.bulk

local core = require "timekit.core"
local check = require "timekit.cli.bulk.check"
local command_line = require "timekit.cli.bulk.command_line"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local inputs = require "timekit.cli.bulk.input"
local journals = require "timekit.cli.bulk.journal"
local plan = require "timekit.cli.bulk.plan"
local progresses = require "timekit.cli.bulk.progress"
local record = require "timekit.cli.bulk.record"
local redis = require "timekit.cli.redis"
local results = require "timekit.cli.bulk.results"
local rows = require "timekit.cli.bulk.rows"
local runners = require "timekit.cli.bulk.runner"
local tallies = require "timekit.cli.bulk.tally"

local bulk = {}

local function is_interrupted()
  return core.program.signals() > 0
end

-- ---- files ----

local function check_same(one, other, message)
  if one and other and (one == other or core.is_same_file(one, other)) then failure.raise("usage", message, one) end
end

-- The path of the journal. Raises where files are missing or the same.
local function journal_path(args)
  local file, path = args.file, args.journal
  if not path then
    if file == "-" then failure.raise("usage", "-: standard input has no name, so --journal is needed") end
    path = file .. ".journal"
  end
  check_same(path, file, "--journal: %s is the input")
  check_same(args.results, file, "--results: %s is the input")
  check_same(args.results, path, "--results: %s is the journal")
  return path
end

local function open_input(path)
  local input, problem = inputs.open(path)
  if not input then failure.raise("usage", "%s: cannot be read: %s", path, problem) end
  return input
end

-- What `--retry` and `--resume` ask for: a set of outcomes; nil: a new run.
local function wanted(args)
  if not args.resume and #args.retry == 0 then return nil end
  local retry = {}
  for _, outcome in ipairs(args.retry) do retry[outcome] = true end
  return retry
end

local function host_of(base_url)
  local host = base_url:match "^%a+://([^/]+)"
  -- A sandbox gets another port each time it is started.
  return host:find "^127%.0%.0%.1" and "127.0.0.1" or host:gsub("^localhost:%d+$", "localhost")
end

-- Raises unless the journal is of this input.
local function check_header(path, found, header)
  local input = found.input
  if input.sha256 ~= header.input.sha256 or input.size ~= header.input.size then
    failure.raise("usage", "%s: the input is not the one of this journal (it had %.0f bytes and now has %.0f%s)",
      path, input.size, header.input.size, input.size == header.input.size and ", but other ones" or "")
  end
  if found.action ~= header.action then
    failure.raise("usage", "%s: the journal is of a run with %s for rows without an action, not with %s", path,
      found.action or "none", header.action or "none")
  end
  if host_of(found.base_url) ~= host_of(header.base_url) then
    failure.raise("usage", "%s: the journal is of a run with %s, not with %s", path, found.base_url, header.base_url)
  end
end

local function is_there(path)
  local file = io.open(path, "rb")
  if not file then return false end
  local has_text = file:read(1) ~= nil
  file:close()
  return has_text
end

local function refuse_old(path)
  failure.raise("usage", "%s is there from an earlier run: --resume goes on with it, --journal names another one", path)
end

-- Opens the journal, and reads what is in it. Returns it, its index and what `load` tells beside it; raises where it
-- does not fit.
local function open_journal(path, args, retry, header)
  local journal, problem = journals.open(path, args.fsync)
  if not journal then failure.raise("usage", "--journal: %s: %s", path, problem) end
  local index, applied
  if journal.found then
    if not retry then refuse_old(path) end
    check_header(path, journal.found, header)
    index, applied = journal:load()
    if not index then failure.raise("failed", "--journal: %s: %s", path, applied) end
  elseif retry and not args.resume then
    failure.raise("usage", "--retry: there is no journal %s to go on with", path)
  end
  return journal, index, applied
end

-- Notes that the run begins.
local function begin_journal(journal, args, retry, header)
  local noted, problem = journal.found ~= nil, nil
  if not noted then noted, problem = journal:begin(header) end
  local how = #args.retry > 0 and "retry " .. table.concat(args.retry, ", ") or retry and "resume" or "start"
  if noted then noted, problem = journal:run(how) end
  if not noted then failure.raise("failed", "%s", problem) end
end

-- ---- output ----

-- Where results go. Returns a function that writes, one that flushes and one that ends; the last two tell a problem.
local function open_results(path)
  local file, problem = io.stdout, nil
  if path then file, problem = io.open(path, "wb") end
  if not file then failure.raise("usage", "--results: %s", problem) end
  local broken
  local function note(ok, reason)
    if not ok and not broken then broken = "the results cannot be written: " .. tostring(reason) end
    return broken
  end
  local function write(text)
    if not broken then note(file:write(text)) end
  end
  local function flush()
    return broken or note(file:flush())
  end
  return write, flush, function()
    if path and not broken then return note(file:close()) end
    return flush()
  end
end

local function new_progress(context)
  local quiet, terminal = context.args.quiet, context.terminal
  return progresses.new({
    write = function(text) if not quiet then context:err(text) end end,
    -- What -v prints would stand in the middle of it.
    width = function() return terminal.has_errors and not context.args.verbose and terminal:width() or nil end,
  }, core.now())
end

-- What is told of a row that an earlier run has noted as sent, and that this one has not looked at.
local SENT_EARLIER = { kind = "uncertain", message = "an earlier run may have sent it", sent = "maybe" }

-- The line of a row that has no outcome when the run ends.
local function tell_open(self, row)
  local err = row.failure or row.sent_before and SENT_EARLIER
  if err and runners.is_in_doubt(err) then
    self.has_doubt = true
    self.results:put(row.number, record.outcome(row, "uncertain", err.state, err))
  else
    self.results:put(row.number, record.outcome(row, "skipped"))
  end
end

-- Why a run stopped that still tells of each row of the input.
local TELLS_REST = { error = true, credentials = true, unreachable = true }

-- The lines of all such rows.
local function tell_rest(self)
  local open, list = self.runner.schedule.open, {}
  for number in pairs(open) do list[#list + 1] = number end
  table.sort(list)
  for _, number in ipairs(list) do tell_open(self, open[number]) end
  -- After Ctrl-C nobody waits for the rest of the file.
  while TELLS_REST[self.runner.stopping] and not is_interrupted() do
    local ok, row = pcall(self.source)
    if not ok then self.runner:fail(tostring(row)) end
    if row == nil then break end
    if ok and row then tell_open(self, row) end
  end
end

-- ---- the run ----

local EXITS = { interrupted = exits.INTERRUPTED, credentials = exits.CREDENTIALS }

-- Why a run stopped where rows failed for a reason that is not their own.
local RETRIED = { credentials = true, unreachable = true }

-- Shows the command that performs what is left, or else the one that takes rows again.
local function show_next_command(self)
  local tally = self.tally
  if tally:left() > 0 then
    local more = { RETRIED[self.runner.stopping] and { "--retry", "failed" } or { "--resume" } }
    self.context:err(("timekit: to go on: %s\n"):format(command_line.with(self.arguments, more)))
  elseif tally.failed + tally.uncertain > 0 then
    local more = {}
    for _, outcome in ipairs { "failed", "uncertain" } do
      if tally[outcome] > 0 then more[#more + 1] = { "--retry", outcome } end
    end
    self.context:note("to take these rows again: " .. command_line.with(self.arguments, more))
  end
end

-- Says how it ended. Returns the exit code.
local function conclude(self)
  local context, runner, tally = self.context, self.runner, self.tally
  context:note(tally:summary())
  local stopping = runner.stopping
  if runner.problem then context:fail(failure.new("failed", runner.problem)) end
  if stopping == "credentials" then context:fail(failure.new("auth", "Timekit refuses the key, so the run ends")) end
  if stopping == "unreachable" then
    context:fail(failure.new("network", "Timekit cannot be reached, so the run ends"))
  end
  show_next_command(self)
  if EXITS[stopping] then return EXITS[stopping] end
  if tally.uncertain > 0 or self.has_doubt then return exits.UNCERTAIN end
  if stopping == "failed" then return exits.FAILED end
  return tally.failed > 0 and exits.SOME_FAILED or exits.DONE
end

-- The input must not have become another one while it was read the second time.
local function check_end(self)
  if self.runner.stopping then return end
  while self.chunks() do end -- luacheck: ignore
  local name = self.finish()
  if name.sha256 ~= self.header.input.sha256 then
    self.runner:fail "the input was changed during the run: its rows and the journal may not fit together"
  end
end

local function tick_of(self)
  return function(runner)
    local problem = self.flush()
    if problem then runner:fail(problem) end
    if runner.stopping == "interrupted" and not self.told then
      self.told = true
      self.progress:clear()
      self.context:note("finishing what is in flight; Ctrl-C again stops at once")
    end
    self.progress:update(self.tally, core.now(), function() return runner:why() end)
  end
end

-- Performs the rows, once all of them were checked and the journal is open.
local function perform(self, args)
  local write, flush, finish_results = open_results(args.results)
  begin_journal(self.journal, args, self.retry, self.header)
  local progress = new_progress(self.context)
  local clears = not args.results and self.context.terminal.has_output
  self.progress, self.flush = progress, flush
  self.results = results.new(function(text)
    if clears then progress:clear() end
    write(text)
  end)
  self.tally = tallies.new(self.header.rows)
  self.chunks, self.finish = self.input:chunks()
  self.source = plan.source {
    rows = rows.read(self.chunks, self.row_options), found = self.index, retry = self.retry or {},
    journal = self.journal, results = self.results, tally = self.tally,
    applied = function(row) self.runner:applied(row) end,
  }
  self.runner = runners.new {
    source = self.source, journal = self.journal, results = self.results, tally = self.tally,
    applied = self.applied, concurrency = args.concurrency, stop_on_error = args.stop_on_error,
    patient = args.uncertain ~= "report", signals = core.program.signals, tick = tick_of(self),
  }
  self.runner:run(self.client)
  progress:clear()
  check_end(self)
  tell_rest(self)
  local problem = finish_results()
  if problem then self.runner:fail(problem) end
  return conclude(self)
end

local function tell_dry_run(context, found, index, retry)
  local names = {}
  for action in pairs(found.actions) do names[#names + 1] = action end
  table.sort(names)
  for position, action in ipairs(names) do names[position] = ("%d %s"):format(found.actions[action], action) end
  context:note(("%s: %s; nothing was sent"):format(tallies.rows(found.rows), table.concat(names, ", ")))
  if not index then return exits.DONE end
  local counts = plan.count(index, retry, found.rows)
  context:note(("by the journal: %d to send, %d to look at first, %d to skip"):format(
    counts.send, counts.look, counts.skip))
  return exits.DONE
end

-- Requests a second. Timekit allows 600 a minute for all that share a key, and a rate that is shared begins with a
-- burst.
local OWN, SHARED = 10, 9.8

local function rate_of(args)
  local limit = args.rate and args.rate.limit
  if args.rate and not limit then return nil end
  if args.redis then return redis.rate(args, limit or { per_second = SHARED }, args.redis, args.rate_name) end
  if args.rate_name then failure.raise("usage", "--rate-name: it is for a rate that is shared by --redis") end
  return limit or { per_second = OWN }
end

-- The client. Its hooks are those of the runner, which comes later; no key is needed to check ids.
local function make_client(self, args)
  if args.dry_run then
    local options = {}
    for name, value in pairs(self.context:account()) do options[name] = value end
    options.webhook_secret = nil
    if not options.resource_key then options.app_key = options.app_key or "unused" end
    return require("timekit").new(options)
  end
  local client = self.context:client {
    rate = rate_of(args),
    before = function(try) self.runner:before(try) end,
    -- -v has another one.
    after = not args.verbose and function(try) self.runner:after(try) end or nil,
  }
  client.runner:calls().is_bulk = true -- they leave room for others under a rate that is shared
  if args.redis then redis.warn(self.context, client, args.redis) end
  return client
end

-- Reads the journal without changing what it says of any row.
local function dry_run(self, path, found)
  local index
  if self.retry and is_there(path) then
    local journal, problem = journals.open(path)
    if not journal then failure.raise("usage", "--journal: %s: %s", path, problem) end
    -- Of a first line that is not complete nothing was sent.
    if journal.found then
      check_header(path, journal.found, self.header)
      index, problem = journal:load()
      if not index then failure.raise("failed", "--journal: %s: %s", path, problem) end
    end
  end
  return tell_dry_run(self.context, found, index, self.retry)
end

--- Performs the rows of a file.
-- @tparam Context context
-- @tparam table args what argparse found
-- @tparam {string,...} arguments the program's, to show how to go on
-- @treturn integer the exit code
-- Raises a failure for wrong use, and where files do not fit together.
function bulk.run(context, args, arguments)
  local path, retry = journal_path(args), wanted(args)
  if not retry and not args.dry_run and is_there(path) then refuse_old(path) end
  core.program.catch_signals()
  -- A reader of the results that goes away must not kill a run in the middle of its requests.
  core.program.ignore_broken_pipes()
  local self = { context = context, arguments = arguments, retry = retry, input = open_input(args.file) }
  local client = make_client(self, args)
  self.client = client
  self.row_options = { path = args.file, action = args.action, handle = function(id) return client:booking(id) end }
  local found = check.run(context, self.input, self.row_options, is_interrupted)
  if not found then return exits.INTERRUPTED end
  if found.wrong > 0 then
    failure.raise("usage", "%d of %s wrong; nothing was sent", found.wrong, tallies.rows(found.rows))
  end
  self.header = {
    input = { size = found.size, sha256 = found.sha256 }, rows = found.rows, action = args.action,
    base_url = client.base_url,
  }
  if args.dry_run then return dry_run(self, path, found) end
  self.journal, self.index, self.applied = open_journal(path, args, retry, self.header)
  return perform(self, args)
end

return bulk
