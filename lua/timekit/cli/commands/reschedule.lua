--- `timekit reschedule ID`.
-- @module timekit.cli.commands.reschedule

local values = require "timekit.cli.values"

local reschedule = {
  examples = { 'timekit reschedule "$ID" start=2030-03-02T08:00:00+00:00 end=2030-03-02T09:00:00+00:00' },
}

function reschedule.define(command)
  command:description("Moves a booking. This is not the action reschedule_by_customer.")
  command:argument("id", "the booking's id")
  command:argument("fields", "start=, end=, resource_id=, message="):args("*"):argname("NAME=VALUE")
end

function reschedule.run(context, args)
  local fields = values.object(args.fields)
  return context:finish(context:run(function(tk)
    return tk:booking(args.id):reschedule(fields, { include = context:include() })
  end))
end

return reschedule
