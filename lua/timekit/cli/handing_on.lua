--- Hands a webhook's delivery on: to a URL, as Timekit sent it, or to a command's standard input.
-- The functions run in a coroutine of a controller of cqueues, and keep nobody else waiting.
-- @module timekit.cli.handing_on

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local new_from_uri = require("http.request").new_from_uri
local failure = require "timekit.cli.failure"
local webhook_sender = require "timekit.sandbox.served.webhook_sender"

local handing_on = {}

-- Seconds before each further try: a program that is being restarted is back by then.
local PAUSES = { 0.5, 1, 2, 4, 8 }

--- Checks a URL to forward to.
-- Raises a failure for a wrong one.
-- @tparam string url
function handing_on.check(url)
  local origin = url:match "^([Hh][Tt][Tt][Pp][Ss]?://[^/?#%s@]+)[!-~]*$"
  if not origin or not pcall(new_from_uri, origin) then
    failure.raise("usage", "--forward: expected an http or https URL, such as http://127.0.0.1:3000/hook")
  end
end

local function is_good(status)
  return status ~= nil and status >= 200 and status < 300
end

--- Forwards a delivery, again and again until a 2xx answers it.
-- @tparam table delivery see `timekit.cli.deliveries`
-- @tparam string url
-- @treturn boolean whether a 2xx answered
-- @treturn string what came last, for people
function handing_on.forward(delivery, url)
  local status
  for try = 1, #PAUSES + 1 do
    status = webhook_sender.post {
      url = url, body = delivery.body,
      headers = { ["content-type"] = "application/json", ["x-timekit-signature"] = delivery.signature },
    }
    if is_good(status) then break end
    if PAUSES[try] then cqueues.sleep(PAUSES[try]) end
  end
  return is_good(status), status and "status " .. status or "no answer"
end

--- Runs a command of the shell with the delivery's body as its standard input, and waits for it. Its output goes to our
-- standard error.
-- @tparam table delivery
-- @tparam string command gets the delivery's number as `TIMEKIT_DELIVERY`
-- @treturn boolean whether it ended well
function handing_on.execute(delivery, command)
  -- A file, since writing into the pipe of a command that does not read would end this process.
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(delivery.body)
  file:close()
  local pipe = assert(io.popen(
    ("TIMEKIT_DELIVERY=%d; export TIMEKIT_DELIVERY\n(\n%s\n) <%s >&2; echo $?"):format(delivery.n, command, path)))
  local watched = socket.dup(pipe)
  cqueues.poll { pollfd = watched:pollfd(), events = "r" }
  watched:close()
  local status = pipe:read "*n"
  pipe:close()
  os.remove(path)
  return status == 0
end

return handing_on
