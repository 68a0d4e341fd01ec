--- Talks to a sandbox in this process as a client would, in JSON.
local core = require "timekit.core"
local sandbox = require "timekit.sandbox"

local support = {}

--- 2030-01-01T00:00:00Z, where the clock of a box made here stands.
support.NOW = 1893456000

--- An event of one hour, ten hours after NOW.
support.START, support.END = "2030-01-01T10:00:00Z", "2030-01-01T11:00:00Z"

--- Unix seconds of END.
support.ENDS = support.NOW + 11 * 3600

--- `Basic` for an app key.
support.AUTH = "Basic OnRlc3RfYXBpX2tleV8x" -- :test_api_key_1

--- The fields of a new booking: of graph instant, from START to END, unless told otherwise.
-- @tparam ?table more further fields; `false` leaves one out
-- @treturn table
function support.fields(more)
  local all = { graph = "instant", start = support.START, ["end"] = support.END }
  for name, value in pairs(more or {}) do all[name] = value or nil end
  return all
end

--- Does a text stand anywhere in a value: in itself, or in the keys and values of its tables?
-- @tparam any value
-- @tparam string text
-- @treturn boolean
function support.holds(value, text)
  local seen = {}
  local function look(item)
    if tostring(item):find(text, 1, true) then return true end
    if type(item) ~= "table" or seen[item] then return false end
    seen[item] = true
    for key, inner in pairs(item) do
      if look(key) or look(inner) then return true end
    end
    return false
  end
  return look(value)
end

local Api = {}
Api.__index = Api

--- Makes a box, and a way to talk to it.
-- @tparam ?table options of `sandbox.new`
-- @treturn table with `box`
function support.new(options)
  local all = { now = support.NOW }
  for name, value in pairs(options or {}) do all[name] = value end
  return setmetatable({ box = sandbox.new(all) }, Api)
end

--- Sends a request.
-- @tparam string method
-- @tparam string path below `/v2`
-- @tparam ?table|string body encoded when it is a table
-- @tparam ?table headers instead of the usual Authorization
-- @treturn number status
-- @treturn any the decoded body, nil when there is none
-- @treturn table headers
function Api:request(method, path, body, headers)
  if type(body) == "table" then body = assert(core.encode(body)) end
  local answer = self.box:handle {
    method = method, target = "/v2" .. path, body = body, headers = headers or { Authorization = support.AUTH },
  }
  local decoded
  if answer.body ~= "" then decoded = assert(core.decode(answer.body)) end
  return answer.status, decoded, answer.headers
end

--- Creates a booking with an event from START to END, unless told otherwise.
-- @tparam string graph
-- @tparam ?table fields further ones; `false` leaves one out
-- @treturn string id
-- @treturn table the booking, with all that was included
function Api:create(graph, fields)
  local body = support.fields(fields)
  body.graph = graph
  local status, answer = self:request("POST", "/bookings", body)
  if status ~= 201 then error(("%d: %s"):format(status, core.encode(answer)), 2) end
  return answer.data.id, answer.data
end

--- Creates a booking in a group.
-- @tparam string owner the id of the group's booking
-- @tparam ?string graph default: group_customer
-- @treturn string id
function Api:join(owner, graph)
  return (self:create(graph or "group_customer", {
    start = false, ["end"] = false, related = { owner_booking_id = owner },
  }))
end

--- Reads a booking.
-- @tparam string id
-- @tparam ?string include
-- @treturn table
function Api:get(id, include)
  local status, answer = self:request("GET", "/bookings/" .. id .. (include and "?include=" .. include or ""))
  assert(status == 200, status)
  return answer.data
end

--- Performs an action.
-- @tparam string id
-- @tparam string action
-- @tparam ?table body
-- @treturn number status
-- @treturn table answer
function Api:act(id, action, body)
  local status, answer = self:request("PUT", ("/bookings/%s/%s"):format(id, action), body or {})
  return status, answer
end

--- Asserts that a request is refused with 422 for one field.
-- @tparam string field
-- @tparam string method
-- @tparam string path
-- @tparam ?table body
-- @treturn string what is said of the field
function Api:refuses(field, method, path, body)
  local status, answer = self:request(method, path, body)
  assert(status == 422, status)
  assert(type(answer.errors) == "table" and next(answer.errors) == field and not next(answer.errors, field),
    core.encode(answer))
  return answer.errors[field][1]
end

--- Asserts that a request is refused since an action is not possible in a booking's state.
-- @tparam string action
-- @tparam string state
-- @tparam string method
-- @tparam string path
-- @tparam ?table body
function Api:refuses_action(action, state, method, path, body)
  local status, answer = self:request(method, path, body)
  local expected = ("Cannot apply action '%s' to current state '%s'"):format(action, state)
  assert(status == 422 and answer.error == expected and not next(answer, next(answer)), core.encode(answer))
end

--- How a booking came to be where it is, as texts such as `create:tentative:api`.
-- @tparam string id
-- @treturn {string,...}
function Api:history(id)
  for _, booking in ipairs(self.box:bookings()) do
    if booking.id == id then
      local texts = {}
      for index, step in ipairs(booking.history) do
        texts[index] = ("%s:%s:%s"):format(tostring(step.action), step.to, step.by)
      end
      return texts
    end
  end
  error("no booking " .. id, 2)
end

return support
