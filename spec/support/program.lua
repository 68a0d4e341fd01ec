--- Runs the program `timekit` for specs: in a folder of its own, against a sandbox served over HTTP.
local core = require "timekit.core"
local sandbox_server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local program = {}
program.__index = program

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- What a developer's own environment sets is not for the specs.
local CLEAN = "unset NO_COLOR XDG_CONFIG_HOME XDG_STATE_HOME TERM "
  .. "$(env | sed -n 's/^\\(TIMEKIT_[A-Z_]*\\)=.*/\\1/p'); "

--- Looks again and again until something has happened.
-- @tparam string problem what is raised when it does not
-- @tparam function look returns whether it has
function program.await(problem, look)
  local deadline = core.now() + PATIENCE
  while not look() do
    if core.now() > deadline then error(problem, 3) end
    core.sleep(0.005)
  end
end

--- Makes a folder with the program on its PATH, and starts a sandbox.
-- @tparam ?string environment of the sandbox, such as `KEY=x`
-- @treturn table `folder`; `lua`, the interpreter; `box`: see `spec.support.sandbox_server`
function program.new(environment)
  local root = shell.must("pwd"):match "[^\n]*"
  local folder = shell.must("mktemp -d"):match "[^\n]*"
  local lua = this_lua.command:find "^[^/]+/" and root .. "/" .. this_lua.command or this_lua.command
  local self = setmetatable({
    root = root, folder = folder, lua = lua, box = sandbox_server.start(environment),
  }, program)
  self.prelude = table.concat({
    CLEAN,
    ("export HOME=%s PATH=%s/bin:$PATH"):format(folder, folder),
    ("export TIMEKIT_BASE_URL=%s TIMEKIT_APP_KEY=test_api_key_1"):format(self.box.url),
    "cd " .. folder,
  }, "\n")
  shell.must(("mkdir %s/bin"):format(folder))
  self:write("bin/timekit", ("#!/bin/sh\nexec %s %s \"$@\"\n"):format(
    quoted(lua), quoted(root .. "/lua/timekit/cli/program")))
  shell.must(("chmod 755 %s/bin/timekit"):format(folder))
  return self
end

--- Writes a file into the folder.
function program:write(name, text)
  local file = assert(io.open(self.folder .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

--- Reads a file of the folder; nil: there is none.
function program:read(name)
  local file = io.open(self.folder .. "/" .. name, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

--- The text that a shell runs.
function program:script(command)
  return self.prelude .. "\n" .. command
end

--- Runs a command of bash in the folder.
-- @tparam string command such as `timekit get x`
-- @treturn integer its exit code
-- @treturn string its standard output
-- @treturn string its standard error
function program:run(command)
  local _, report = shell.run(("bash -c %s > %s/out 2> %s/err; echo $?"):format(
    quoted(self:script(command)), self.folder, self.folder))
  return tonumber(report), self:read "out", self:read "err"
end

--- Runs a shell command in the folder, on a terminal of its own.
-- @tparam string command
-- @tparam ?integer columns how wide the terminal is, 80
-- @treturn integer its exit code
-- @treturn string what the terminal got
function program:on_terminal(command, columns)
  self:write("terminal.sh", self:script(("stty cols %d; export TERM=xterm\n%s"):format(columns or 80, command)))
  local _, report = shell.run(("script -qec 'sh %s/terminal.sh' /dev/null < /dev/null > %s/out; echo $?"):format(
    self.folder, self.folder))
  return tonumber(report), (self:read("out"):gsub("\r\n", "\n"))
end

--- Starts a shell command in the folder, on a terminal of its own, and goes on.
-- @treturn table `await(text)` waits until the terminal shows it, `type(text)` presses keys, `finish()` returns the
--   exit code and what the terminal got
function program:start_on_terminal(command)
  self:write("terminal.sh", self:script("export TERM=xterm\n" .. command))
  self:write("shown", "")
  local folder = self.folder
  local keys = assert(io.popen(("script -qec 'sh %s/terminal.sh' /dev/null > %s/shown; echo $? > %s/status"):format(
    folder, folder, folder), "w"))
  self.keys = keys
  return {
    await = function(text)
      program.await("the terminal does not show " .. text, function()
        return self:read("shown"):find(text, 1, true)
      end)
    end,
    type = function(text)
      keys:write(text)
      keys:flush()
    end,
    finish = function()
      keys:close()
      self.keys = nil
      return tonumber(self:read "status"), (self:read("shown"):gsub("\r\n", "\n"))
    end,
  }
end

--- Makes a booking in the sandbox.
-- @tparam ?string graph `confirm_decline` unless given, with bookings that are `tentative`; those of `instant` are
--   `confirmed`
-- @tparam ?table fields further ones
-- @treturn string its id
function program:booking(graph, fields)
  local booking = {
    graph = graph or "confirm_decline", what = "Mens haircut", where = "Sesame St",
    start = "2030-03-01T08:00:00+00:00", ["end"] = "2030-03-01T09:00:00+00:00",
    customer = { name = "Marty McFly", email = "marty.mcfly@timekit.io" },
  }
  for name, value in pairs(fields or {}) do booking[name] = value end
  local status, answer = self.box:request("POST", "/v2/bookings", core.encode(booking))
  assert(status == 201 or status == 200, core.encode(answer))
  return answer.data.id
end

--- Waits until the sandbox has seen a request.
-- @tparam string line its method and path, such as `PUT /v2/bookings/b1/confirm`
function program:await_request(line)
  program.await("no request " .. line, function()
    local _, answer = self.box:request("GET", "/_sandbox/requests")
    for _, request in ipairs(answer.data) do
      if request.method .. " " .. request.target == line then return true end
    end
  end)
end

--- Plans a fault of the sandbox.
function program:fault(fault)
  assert(self.box:request("POST", "/_sandbox/faults", core.encode(fault)) == 200)
end

--- Ends the sandbox and what a test has left on a terminal, and removes the folder.
function program:close()
  if self.keys then
    self.keys:write "\3\3"
    self.keys:close()
  end
  self.box:close()
  shell.must("rm -rf " .. self.folder)
end

return program
