--- `timekit request METHOD PATH`.
-- @module timekit.cli.commands.request

local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"
local timekit = require "timekit"
local values = require "timekit.cli.values"

local request = {
  examples = {
    "timekit request GET /bookings limit=5 -o jsonl",
    'timekit request PUT "/bookings/$ID/cancel" cancel.message="Fully booked"',
  },
  words = { method = { "GET", "POST", "PUT", "PATCH", "DELETE" } },
}

function request.define(command)
  command:description("Sends any request, with the same key, limits and retries as everything else, but no rule of a "
    .. "graph. The values are the query of a GET, else the body. -o json prints the whole answer, where it holds more "
    .. "than its data.")
  command:argument("method", "GET, POST, PUT, PATCH or DELETE")
  command:argument("path", "such as /resources")
  command:argument("fields", values.ABOUT):args("*"):argname("NAME=VALUE")
end

-- Prints the answer. Its data may be a list, which comes with what stands beside it.
local function print_answer(context, args, data, envelope)
  if data == timekit.null then return end
  if args.output == "json" and next(envelope or {}) ~= nil then
    local whole = { data = data }
    for name, value in pairs(envelope) do whole[name] = value end
    context.output:one(whole)
  elseif timekit.is_array(data) then
    local list = context.output:list()
    for _, item in ipairs(data) do list:add(item) end
    list:finish()
  else
    context.output:one(data)
  end
end

function request.run(context, args)
  local method, fields = args.method:upper(), values.object(args.fields)
  -- The method's own message names an option that is not one of the program's.
  if args.path:find "[?#]" then
    failure.raise("usage", "path: '?' and '#' cannot stand in it: a query is given as NAME=VALUE, such as limit=5")
  end
  local has_fields, options = next(fields) ~= nil, { include = context:include() }
  if has_fields and method == "GET" then
    for name, value in pairs(fields) do
      if type(value) == "table" and not timekit.is_array(value) then
        failure.raise("usage", "%s: a query holds no objects", name)
      end
    end
    options.query = fields
  elseif has_fields then
    options.body = fields
  end
  local data, info = context:run(function(tk) return tk:request(method, args.path, options) end)
  if data == nil then return context:fail(info) end
  print_answer(context, args, data, info.envelope)
  return exits.DONE
end

return request
