--- `timekit can ID [ACTION]`.
-- @module timekit.cli.commands.can

local exits = require "timekit.cli.exits"

local can = {
  examples = { 'timekit can "$ID"', 'timekit can "$ID" cancel && echo yes' },
  words = { action = "action" },
}

function can.define(command)
  command:description(
    "Lists the actions that are possible now. With an ACTION it ends with 0 if that is possible, else with 3.")
  command:argument("id", "the booking's id")
  command:argument("action", "such as confirm or decline"):args("?")
end

function can.run(context, args)
  if not args.action then
    local actions, err = context:run(function(tk) return tk:booking(args.id):actions() end)
    if not actions then return context:fail(err) end
    local list = context.output:list()
    for _, name in ipairs(actions) do list:add(name) end
    list:finish()
    return exits.DONE
  end
  local possible, reason = context:run(function(tk) return tk:booking(args.id):can(args.action) end)
  if possible == nil then return context:fail(reason) end
  if possible then return exits.DONE end
  return context:refuse("transition", reason)
end

return can
