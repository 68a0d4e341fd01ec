--- `timekit get ID`.
-- @module timekit.cli.commands.get

local get = { examples = { 'timekit get "$ID" --include customers,attributes' } }

function get.define(command)
  command:argument("id", "the booking's id")
end

function get.run(context, args)
  return context:finish(context:run(function(tk)
    return tk:booking(args.id):get { include = context:include() }
  end))
end

return get
