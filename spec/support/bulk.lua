-- What the specs of bulk requests share: fields and bookings, a client of a server with a plan, and how items ended.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local bulk = { START = "2030-03-01T08:00:00+00:00", STOP = "2030-03-01T09:00:00+00:00" }

-- A failed try that may have arrived.
bulk.LOST = scripted.failure("network", "maybe")

--- The fields of a new booking.
function bulk.fields(graph, changes)
  local all = { graph = graph or "confirm_decline", start = bulk.START, ["end"] = bulk.STOP }
  for name, value in pairs(changes or {}) do all[name] = value end
  return all
end

--- A booking as JSON.
function bulk.booking(id, state, graph)
  return ('{"id":"%s","graph":"%s","state":"%s"}'):format(id, graph or "confirm_decline", state)
end

--- An answer of 200 with these entries, each a JSON text.
function bulk.entries(...)
  return scripted.answer(200, '{"data":[' .. table.concat({ ... }, ",") .. "]}")
end

--- A client of a server that gives `first` to the bulk request, and shows bookings in these states when asked.
-- @tparam table first an outcome
-- @tparam ?table states id → state, or an outcome
-- @tparam ?table options further ones of the client
-- @treturn Client
-- @treturn table its transport
function bulk.client(first, states, options)
  local all = { app_key = "test_key", retries = 0 }
  for name, value in pairs(options or {}) do all[name] = value end
  all.transport = scripted.new(function(request)
    if request.method ~= "GET" then return first end
    local id = request.target:match("^/bookings/([^?]+)")
    local state = assert(states and states[id], "not to be read: " .. request.target)
    return type(state) == "table" and state or scripted.answer(200, '{"data":' .. bulk.booking(id, state) .. "}")
  end)
  return timekit.new(all), all.transport
end

--- How each item ended: a booking's state, or an error's kind and state.
function bulk.endings(results)
  local list = {}
  for index, result in ipairs(assert(results)) do
    local one, told = result[1], result[2]
    list[index] = one and one.state .. (told.reconciled and " reconciled" or "")
      or told.kind .. (told.state and " " .. told.state or "")
  end
  return list
end

--- The methods of all requests that were sent.
function bulk.methods(transport)
  local list = {}
  for index, request in ipairs(transport.requests) do list[index] = request.method end
  return table.concat(list, " ")
end

return bulk
