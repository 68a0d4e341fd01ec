--- `timekit webhook verify`, `listen` and `replay`.
-- @module timekit.cli.commands.webhook

local deliveries = require "timekit.cli.deliveries"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local converters = require "timekit.cli.converters"
local libraries = require "timekit.cli.libraries"
local timekit = require "timekit"

local webhook = {
  examples = {
    [[printf '{"id":"b1","graph":"instant","state":"confirmed"}' > delivery.json]],
    'timekit webhook verify --secret-file secret --signature "$(openssl dgst -sha256 -hmac "$(cat secret)" -r '
      .. 'delivery.json | cut -c1-64)" < delivery.json',
    "timekit webhook listen --secret-file secret --port 0 --forward http://127.0.0.1:3000/hook",
  },
  words = { ["--secret-file"] = "file", ["--store"] = "file" },
}

local SECRET = "a file with the webhook's secret; else TIMEKIT_WEBHOOK_SECRET, or webhook_secret of a profile"

local function add_handing_on(command)
  command:option("--forward", "where deliveries go on to, with their signatures"):argname("URL")
  command:option("--exec", "a command of the shell that gets each delivery as its standard input"):argname("CMD")
  command:option("--store", "where deliveries are stored; unless given below $XDG_STATE_HOME"):argname("FILE")
end

function webhook.define(command, with_help)
  command:command_target("what")
  local verify = with_help(command:command("verify"))
  verify:summary("checks a delivery"):description(
    "Reads a delivery's body from standard input; ends with 0 if it is signed with the secret, else with 1.")
  verify:option("--signature", "the header x-timekit-signature"):argname("S"):count(1)
  verify:option("--secret-file", SECRET):argname("FILE")

  local listen = with_help(command:command("listen"))
  listen:summary("receives deliveries, for development"):description(
    "Verifies each delivery, stores it before it is answered, prints it, and hands it on, until Ctrl-C. A delivery "
    .. "that cannot be forwarded is tried again.")
  listen:option("--port", "0 takes a free one"):argname("P"):convert(converters.port "--port"):count(1)
  listen:option("--host", "the address to listen on, 127.0.0.1 unless given"):argname("H")
  listen:option("--secret-file", SECRET):argname("FILE")
  add_handing_on(listen)

  local replay = with_help(command:command("replay"))
  replay:summary("hands a stored delivery on again"):description(
    "Hands a stored delivery on again: to where it was to go, or as the options say.")
  replay:argument("number", "the delivery's number"):convert(converters.count "number")
  add_handing_on(replay)
end

local function verify(context, args)
  local secret = context:webhook_secret()
  local body = io.stdin:read "*a"
  local good, reason = timekit.webhook.verify(body, args.signature, secret)
  if not good then return context:refuse("failed", reason) end
  context:note "the signature is right"
  return exits.DONE
end

local function replay(context, args)
  local delivery = deliveries.read(args.store or deliveries.path(), args.number)
  local url = args.forward or not args.exec and delivery.forward or nil
  if not url and not args.exec then failure.raise("usage", "replay: give --forward or --exec") end
  libraries.http "replaying a delivery"
  local handing_on = require "timekit.cli.handing_on"
  if url then handing_on.check(url) end
  local done, outcome = true, "the command ended well"
  local queue = require("cqueues").new()
  queue:wrap(function()
    if url then done, outcome = handing_on.forward(delivery, url) end
    if done and args.exec then
      done = handing_on.execute(delivery, args.exec)
      if not done then outcome = "the command failed" end
    end
  end)
  assert(queue:loop())
  if not done then return context:refuse("failed", ("delivery %d: %s"):format(args.number, outcome)) end
  context:note(("delivery %d: %s"):format(args.number, outcome))
  return exits.DONE
end

function webhook.run(context, args)
  if args.what == "verify" then return verify(context, args) end
  if args.what == "replay" then return replay(context, args) end
  return require("timekit.cli.receiver").run(context, context:webhook_secret())
end

return webhook
