--- `timekit sandbox`.
-- @module timekit.cli.commands.sandbox

local converters = require "timekit.cli.converters"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local libraries = require "timekit.cli.libraries"

local sandbox = { examples = { "timekit sandbox --port 0" } }

-- %s is the address, in which there is nothing that a shell would understand.
local OPEN = [[
if [ -n "$DISPLAY$WAYLAND_DISPLAY" ] && command -v xdg-open; then xdg-open '%s' &
elif [ "$(uname)" = Darwin ]; then open '%s'
else exit 1
fi >/dev/null 2>&1]]

-- Shows an address in the browser of the desktop. Returns false where there is none.
local function open(address)
  local status = os.execute((OPEN:gsub("%%s", address)))
  return status == true or status == 0
end

local USUAL_PORT = 8808

function sandbox.define(command)
  command:description("Serves a stateful Timekit for development, with its console, until Ctrl-C.")
  command:option("--port", ("%d unless given; 0 takes a free one"):format(USUAL_PORT)):argname("P")
    :convert(converters.port "--port")
  command:option("--host", "the address to listen on, 127.0.0.1 unless given"):argname("H")
  command:option("--allow-host", "a name that it is reached by beside those of this machine; may be given many times")
    :argname("NAME"):count("*")
  command:option("--key", "the only key that is taken; any is, unless given. No secret: the sandbox holds no data")
    :argname("K")
  command:flag("--open", "shows the console in a browser, where there is a desktop")
end

function sandbox.run(context, args)
  libraries.http "serving the sandbox"
  local served, problem = failure.guard(function()
    local stopped, reason = require("timekit.sandbox.server").serve {
      port = args.port or USUAL_PORT, host = args.host, allow_hosts = args.allow_host, app_key = args.key,
      on_ready = function(url, _, console)
        context:out("timekit sandbox on " .. url .. "\nconsole for people on " .. console .. "\n")
        io.stdout:flush()
        if args.open and not open(console) then context:note "there is no desktop: open the console yourself" end
      end,
    }
    return stopped, reason
  end)
  if not served then return context:refuse("failed", problem) end
  return exits.INTERRUPTED
end

return sandbox
