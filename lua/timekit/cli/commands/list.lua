--- `timekit list`.
-- @module timekit.cli.commands.list

local converters = require "timekit.cli.converters"
local exits = require "timekit.cli.exits"
local failure = require "timekit.cli.failure"

local list = {
  examples = {
    "timekit list --graph instant --state confirmed --limit 10",
    "timekit list --search 'customer.name=Mar*' --order-by event.start --include customers,attributes -o table",
  },
  words = {
    ["--graph"] = "graph", ["--state"] = "state",
    ["--order-by"] = { "created_at", "updated_at", "completed", "graph", "state", "event.start", "event.end" },
  },
}

local USUAL_LIMIT = 50

-- Bookings a page.
local LARGEST_PAGE = 100

function list.define(command)
  command:description(
    "Lists bookings. All pages are read, up to --limit. With --all every booking comes exactly once.")
  command:option("--state", "only those in this state"):argname("STATE")
  command:option("--graph", "only those of this graph"):argname("GRAPH")
  command:option("--search", "only those with this attribute, such as customer.name=Mar*; can be given again")
    :argname("ATTR=VALUE"):count("*")
  command:option("--order-by", "created_at (the default), updated_at, completed, graph, state, event.start, event.end")
    :argname("ATTR")
  command:mutex(
    command:option("--limit", ("how many bookings at the most, %d unless given"):format(USUAL_LIMIT))
      :argname("N"):convert(converters.count "--limit"),
    command:flag("--all", "all of them"))
end

local function search_of(args)
  local search = {}
  local function add(option, name, value)
    if search[name] then failure.raise("usage", "%s: '%s' is given twice", option, name) end
    search[name] = value
  end
  for _, pair in ipairs(args.search) do
    local name, value = pair:match "^([^=]+)=(.*)$"
    if not name then failure.raise("usage", "--search: expected ATTR=VALUE, got '%s'", pair) end
    add("--search", name, value)
  end
  if args.state then add("--state", "state", args.state) end
  if args.graph then add("--graph", "graph", args.graph) end
  return search
end

function list.run(context, args)
  local search = search_of(args)
  local limit = args.all and math.huge or args.limit or USUAL_LIMIT
  local printed = context.output:list()
  local done, err = context:run(function(tk)
    local following = tk:bookings {
      search = search, order_by = args.order_by, limit = math.max(1, math.min(limit, LARGEST_PAGE)),
      include = context:include(), timeout = args.timeout,
    }
    -- Not `for`: in PUC Lua 5.1 a coroutine cannot wait inside it.
    while printed.count < limit do
      local booking = following()
      if not booking then break end
      printed:add(booking)
    end
    return true
  end)
  if not done then
    printed:abandon()
    return context:fail(err)
  end
  printed:finish()
  return exits.DONE
end

return list
