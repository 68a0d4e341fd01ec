--- What a command works with: the client, the output, the terminal, and how to wait and to fail.
-- @module timekit.cli.context

local core = require "timekit.core"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local output = require "timekit.cli.output"
local report = require "timekit.cli.report"
local terminal = require "timekit.cli.terminal"

local context = {}

--- A command's context.
-- @field args what argparse found
-- @field terminal see `timekit.cli.terminal`
-- @field output prints results, see `timekit.cli.output`
-- @type Context
local Context = {}
Context.__index = Context

-- Seconds between two looks whether Ctrl-C was pressed, if the signal comes just before the wait and does not end it.
local LONGEST_WAIT = 0.2

--- Writes to standard output, as it is.
-- Raises a failure when it cannot be written: a result that nobody gets is no success.
-- @tparam string text
function Context.out(_, text)
  local written, problem = io.stdout:write(text)
  if not written then failure.raise("failed", "the result cannot be written: %s", problem) end
end

--- Writes to standard error, as it is.
-- @tparam string text
function Context.err(_, text)
  io.stderr:write(text)
end

--- Writes a line to standard error, unless `-q` is given.
-- @tparam string text
function Context:note(text)
  if not self.args.quiet then io.stderr:write("timekit: ", text, "\n") end
end

-- Prints each try. A hook sees no key.
local function print_try(try)
  local path = try.route:gsub("{(%w+)}", { id = try.id, action = try.action })
  io.stderr:write(("%s %s %s %.0f ms%s\n"):format(
    try.method, path, try.status or try.kind, try.elapsed * 1000, try.reconcile and " (to find out)" or ""))
end

--- What the arguments, the environment and the profiles say about the account.
-- @treturn table see `timekit.cli.config`
function Context:account()
  if not self.known then self.known = require("timekit.cli.config").account(self.args) end
  return self.known
end

local CREDENTIALS = "no key: set TIMEKIT_APP_KEY, or give --key-file, or a profile in %s"

--- The client of the global options, made when it is first asked for.
-- Raises a failure for wrong options and where there is no key.
-- @tparam ?table overrides options of `timekit.new` that replace those of the arguments
-- @treturn Client
function Context:client(overrides)
  if self.made then return self.made end
  local args, options = self.args, { app_info = "timekit-cli" }
  for name, value in pairs(self:account()) do options[name] = value end
  options.webhook_secret = nil
  options.timeout, options.retries, options.uncertain = args.timeout, args.retries, args.uncertain
  if args.verbose then options.after = print_try end
  options.before = function(try) self.has_written = self.has_written or try.method ~= "GET" end
  for name, value in pairs(overrides or {}) do options[name] = value end
  local ok, client = pcall(function()
    local made = require("timekit").new(options)
    return made
  end)
  if not ok then
    if (failure.message(client) or ""):find "^no key:" then
      failure.raise("auth", CREDENTIALS, require("timekit.cli.config").path())
    end
    failure.again(client)
  end
  self.made = client
  return client
end

--- The names of `--include`.
-- @treturn {string,...}|nil
function Context:include()
  if not self.args.include then return nil end
  local names = {}
  for name in self.args.include:gmatch "[^,%s]+" do names[#names + 1] = name end
  return names
end

-- Says of an interrupted operation what that means.
local function explain(err, has_written)
  local is_doubtful = has_written and err.sent ~= "no"
  err.message = is_doubtful and "interrupted; it may have been done: look before you run it again"
    or "interrupted; nothing was changed"
end

--- Runs a function that uses the client, and waits for it. Ctrl-C cancels what it waits for, and the error of that
-- tells whether it may have been done.
-- Raises a failure for wrong use of the client's methods.
-- @tparam function fn function(client) that returns a result and its `info`, or nil and an error
-- @return what `fn` returns
function Context:run(fn)
  local client = self:client()
  core.program.catch_signals()
  local ok, problem = pcall(function()
    local call = client:start(fn, client)
    while not call:done() do
      client:update(LONGEST_WAIT)
      if core.program.signals() > 0 then call:cancel() end
    end
    return call
  end)
  core.program.release_signals()
  if not ok then failure.again(problem) end
  local result, info = problem:result()
  if result == nil and info.kind == "cancelled" then explain(info, self.has_written) end
  return result, info
end

--- The app key, for what is signed with it here.
-- Raises a failure where there is none.
-- @treturn string
function Context:app_key()
  local key = self:account().app_key or os.getenv "TIMEKIT_APP_KEY"
  if not key or key == "" then failure.raise("auth", CREDENTIALS, require("timekit.cli.config").path()) end
  return key
end

--- The webhook's secret: of `--secret-file`, of `TIMEKIT_WEBHOOK_SECRET`, or of the profile.
-- Raises a failure where there is none.
-- @treturn string
function Context:webhook_secret()
  local file = self.args.secret_file
  if file then return require("timekit.cli.config").secret(file, "--secret-file") end
  local secret = os.getenv "TIMEKIT_WEBHOOK_SECRET"
  if not secret or secret == "" then secret = self:account().webhook_secret end
  if not secret then
    failure.raise("auth", "no secret: set TIMEKIT_WEBHOOK_SECRET, or give --secret-file, or webhook_secret in %s",
      require("timekit.cli.config").path())
  end
  return secret
end

--- Prints a refusal of the program's own.
-- @tparam string kind see `timekit.cli.exits`
-- @tparam string message
-- @treturn integer the exit code
function Context:refuse(kind, message)
  return self:fail(failure.new(kind, message))
end

--- Prints an error.
-- @tparam table err of `timekit.error`
-- @treturn integer the exit code
function Context:fail(err)
  return report.print(err, self.args.output == "json" or self.args.output == "jsonl", self.terminal)
end

--- Prints the result of a method, or its error.
-- @param result the result; nil: it failed
-- @tparam table info the second result of the method
-- @treturn integer the exit code
function Context:finish(result, info)
  if result == nil then return self:fail(info) end
  if info and info.reconciled then self:note("the answer was lost; reading the booking showed that it is done") end
  self.output:one(result)
  return exits.DONE
end

--- Makes the context of a command.
-- Raises a failure for an unknown format.
-- @tparam table args what argparse found
-- @tparam table module the command's module
-- @tparam table parser `timekit.cli.parser`, for the command that knows all commands
-- @treturn Context
function context.new(args, module, parser)
  local self = setmetatable({ args = args, parser = parser, terminal = terminal.new(args.color or "auto") }, Context)
  self.output = output.new(self, args.output, module.formats)
  return self
end

return context
