--- `timekit link`.
-- @module timekit.cli.commands.link

local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local timekit = require "timekit"

local link = {
  examples = {
    'timekit link "$ID" cancel_by_customer --redirect https://example.com/cancelled',
    'timekit link --verify "$(timekit link "$ID" cancel_by_customer)"',
  },
  words = { action = "action" },
}

function link.define(command)
  command:description("Makes a link that performs an action once, without a key, or checks one. Nothing is sent.")
  command:argument("id", "the booking's id"):args("?")
  command:argument("action", "such as cancel_by_customer"):args("?")
  command:option("--redirect", "where the browser goes afterwards"):argname("URL")
  command:option("--verify", "ends with 0 if this link is signed with the app key, else with 1"):argname("URL")
end

local function verify(context, url)
  local good, found = timekit.link.verify(url, context:app_key())
  if not good then return context:refuse("failed", "the link: " .. found) end
  context.output:one { id = found.booking_id, action = found.action, redirect = found.redirect }
  return exits.DONE
end

function link.run(context, args)
  if args.verify then
    if args.id or args.redirect then failure.raise("usage", "--verify: it takes nothing but the link") end
    return verify(context, args.verify)
  end
  if not args.action then failure.raise("usage", "a link needs the booking's id and an action") end
  local client = context:client()
  local url, err = failure.guard(function()
    local handle = client:booking(args.id)
    local made, refused = handle:link(args.action, { redirect = args.redirect })
    return made, refused
  end)
  if not url then return context:fail(err) end
  context.output:text("url", url)
  return exits.DONE
end

return link
