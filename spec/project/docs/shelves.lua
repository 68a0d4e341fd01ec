--- How the pages are arranged: by what a user wants to do. A function that stands in no group comes last on its page.
return {
  {
    name = "client", title = "Clients", modules = { "timekit", "timekit.client" }, classes = { "Client" },
    groups = {
      { "Make a client", "timekit.new", "timekit.configure", "timekit.booking", "Client:booking", "Client:connect",
        "Client:close" },
      { "Create bookings, hold slots", "Client:create_booking", "Client:create_bookings", "Client:reserve",
        "Client:extend_reservation" },
      { "Find bookings", "Client:bookings", "Client:bookings_page", "Client:group_bookings", "Client:group_booking" },
      { "Act on many bookings", "Client:batch", "Client:update_bookings", "Client:queue" },
      { "Keep nobody waiting: games, event loops", "Client:start", "Client:update", "Client:fd", "Client:timeout" },
      { "Everything else of the API", "Client:request", "timekit.array", "timekit.is_array" },
    },
  },
  {
    name = "booking", title = "Bookings", modules = { "timekit.booking" }, classes = { "Booking" },
    groups = {
      { "Perform an action", "Booking:action", "Booking:start" },
      { "See what is possible", "Booking:can", "Booking:actions", "Booking:next_autoplay" },
      { "Read and wait", "Booking:get", "Booking:wait_until" },
      { "Change or delete it", "Booking:update_meta", "Booking:reschedule", "Booking:delete" },
      { "Links for customers", "Booking:link", "Booking:customer_links" },
    },
  },
  { name = "call", title = "Calls", modules = { "timekit.runtime.call" }, classes = { "Call" }, groups = {} },
  {
    name = "error", title = "Errors", modules = { "timekit.error" }, classes = {}, tables = { "Error" },
    lists = { "ErrorKind", "Sent" }, groups = {},
  },
  {
    name = "graph", title = "Graphs", modules = { "timekit.graphs", "timekit.graph" }, classes = { "Graph" },
    lists = { "GraphName", "State", "ActionName" },
    tables = { "Definition", "StateDefinition", "ActionDefinition", "ValueDefinition", "AutoplayDefinition" },
    groups = {
      { "Ask a graph", "Graph:can", "Graph:actions_in", "Graph:next_state", "Graph:has", "Graph:is_final",
        "Graph:autoplays", "Graph:next_autoplay" },
      { "Draw a graph", "Graph:picture" },
      { "Check before sending", "Graph:check_inputs", "Graph:check_create" },
      { "What a state proves", "Graph:proves", "Graph:leads_to", "Graph:reaches", "Graph:may_follow",
        "Graph:is_repeatable" },
      { "Graphs of your own", "timekit.graphs.define", "timekit.graphs.is_action", "timekit.graph.define" },
    },
  },
  {
    name = "queue", title = "Queues", modules = { "timekit.queue" }, classes = { "Queue" }, tables = { "Job" },
    groups = {
      { "Add and carry out", "Queue:add", "Queue:work" },
      { "Look and decide", "Queue:get", "Queue:cancel", "Queue:dead", "Queue:resolve", "Queue:stats" },
    },
  },
  { name = "link", title = "Action links", modules = { "timekit.link" }, classes = {}, groups = {} },
  { name = "webhook", title = "Webhooks", modules = { "timekit.webhook" }, classes = {}, groups = {} },
  {
    name = "sandbox", title = "The sandbox", modules = { "timekit.sandbox", "timekit.sandbox.server" },
    classes = { "Box" }, lists = { "FaultKind" },
    groups = {
      { "Make a box, move its clock", "timekit.sandbox.new", "Box:now", "Box:advance", "Box:reset" },
      { "See what happened", "Box:bookings", "Box:requests", "Box:deliveries", "Box:webhooks", "Box:faults" },
      { "Plan what goes wrong", "Box:fault", "Box:clear_faults", "Box:set_state" },
      { "Relate, webhooks", "Box:relate", "Box:webhook", "Box:take_deliveries" },
      { "A box as a transport", "Box:handle", "Box:connect" },
      { "Over HTTP", "timekit.sandbox.server.serve", "timekit.sandbox.server.main" },
    },
  },
  {
    name = "transport", title = "A transport of your own", modules = { "timekit.transport.reference" },
    classes = { "transport", "connection", "transfer" }, tables = { "outcome", "Failure" }, groups = {},
  },
  {
    name = "runtime", title = "A runtime of your own", modules = { "timekit.runtime.reference" }, classes = {},
    tables = { "Pump" }, lists = { "RuntimeName" }, groups = {},
  },
  {
    name = "tables", title = "Tables that methods take and return", modules = { "timekit.reference" }, classes = {},
    lists = { "OrderBy" }, groups = {}, rest = true,
  },
}
