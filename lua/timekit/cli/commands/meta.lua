--- `timekit meta ID`.
-- @module timekit.cli.commands.meta

local failure = require "timekit.cli.failure"
local values = require "timekit.cli.values"

local meta = { examples = { 'timekit meta "$ID" table_number:=7 note="at the window"' } }

function meta.define(command)
  command:argument("id", "the booking's id")
  command:argument("meta", values.ABOUT):args("*"):argname("NAME=VALUE")
end

function meta.run(context, args)
  local changes = values.object(args.meta)
  if next(changes) == nil then failure.raise("usage", "meta: give what to change, such as table_number:=7") end
  return context:finish(context:run(function(tk)
    return tk:booking(args.id):update_meta(changes, { include = context:include() })
  end))
end

return meta
