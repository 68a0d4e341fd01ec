--- `timekit delete ID`.
-- @module timekit.cli.commands.delete

local delete = { examples = { 'timekit cancel "$ID" -q && timekit delete "$ID"' } }

function delete.define(command)
  command:description("Deletes a booking. Timekit does so only in a final state.")
  command:argument("id", "the booking's id")
end

function delete.run(context, args)
  local deleted, info = context:run(function(tk) return tk:booking(args.id):delete() end)
  return context:finish(deleted and { id = args.id, deleted = true } or nil, info)
end

return delete
