--- `timekit action ID ACTION`, and `timekit ACTION ID` for the actions of the known graphs.
-- @module timekit.cli.commands.action

local values = require "timekit.cli.values"

local action = {
  examples = { 'timekit action "$ID" cancel message="Fully booked"' },
  words = { action = "action" },
}

local function add_inputs(command)
  command:argument("inputs", values.ABOUT):args("*"):argname("NAME=VALUE")
end

function action.define(command)
  command:argument("id", "the booking's id")
  command:argument("action", "such as confirm or decline")
  add_inputs(command)
end

local function perform(context, args, name)
  local inputs = values.object(args.inputs)
  return context:finish(context:run(function(tk)
    return tk:booking(args.id):action(name, inputs, { include = context:include() })
  end))
end

function action.run(context, args)
  return perform(context, args, args.action)
end

--- The command that is short for an action.
-- @tparam string name the action's
-- @treturn table as a command's module
function action.short(name)
  return {
    examples = { ('timekit %s "$ID"'):format(name) },
    define = function(command)
      command:argument("id", "the booking's id")
      add_inputs(command)
    end,
    run = function(context, args) return perform(context, args, name) end,
  }
end

return action
