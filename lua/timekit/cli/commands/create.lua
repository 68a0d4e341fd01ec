--- `timekit create`.
-- @module timekit.cli.commands.create

local failure = require "timekit.cli.failure"
local values = require "timekit.cli.values"

local create = {
  examples = {
    "timekit create graph=instant start=2030-03-01T10:00:00+00:00 end=2030-03-01T11:00:00+00:00 "
      .. 'what=Haircut where="Sesame St" customer.name=Marty customer.email=marty@example.com',
    [[echo '{"graph": "instant", "what": "Haircut", "where": "Sesame St"}' | timekit create - ]]
      .. "start=2030-03-01T12:00:00+00:00 end=2030-03-01T13:00:00+00:00 "
      .. "customer.name=Marty customer.email=marty@example.com",
  },
}

function create.define(command)
  command:argument("fields", values.ABOUT):args("*"):argname("NAME=VALUE")
end

function create.run(context, args)
  local fields = values.object(args.fields)
  if next(fields) == nil then failure.raise("usage", "a booking needs fields, such as graph=instant") end
  return context:finish(context:run(function(tk)
    return tk:create_booking(fields, { include = context:include() })
  end))
end

return create
