--- `timekit wait ID STATE`.
-- @module timekit.cli.commands.wait

local converters = require "timekit.cli.converters"

local wait = {
  examples = { 'timekit wait "$ID" confirmed --timeout 60' },
  words = { state = "state" },
}

function wait.define(command)
  command:description("Waits until a booking is in a state: for --timeout S seconds, 30 unless given.")
  command:argument("id", "the booking's id")
  command:argument("state", "such as confirmed or paid")
  command:option("--every", "seconds until the second look; the pauses then grow to 30"):argname("S")
    :convert(converters.seconds "--every")
end

function wait.run(context, args)
  return context:finish(context:run(function(tk)
    return tk:booking(args.id):wait_until(args.state, {
      timeout = args.timeout, every = args.every, include = context:include(),
    })
  end))
end

return wait
