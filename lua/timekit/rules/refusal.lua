--- Why an action is refused: by the graph's rules before anything is sent, or by the server.
-- Pure: no I/O. `timekit.graph` has the rules; here they become the fields of an error.
-- @module timekit.rules.refusal

local graph = require "timekit.graph"
local graphs = require "timekit.graphs"
local messages = require "timekit.text.messages"
local period = require "timekit.rules.period"
local texts = require("timekit.text.fields").texts

local refusal = {}

--- The rules of a graph by its name.
-- @tparam ?string name
-- @treturn Graph|nil nil where the graph is not known
-- @usage refusal.rules("instant"):can("confirmed", "cancel")   --> true
function refusal.rules(name)
  -- rawget: the table of graphs also has its functions, by their names.
  return name and rawget(graphs, name)
end

--- The error fields of an action that is not possible in the booking's state.
-- Where the graph is not known, they say what all known graphs with that action and state agree on.
-- @tparam string action
-- @tparam string state
-- @tparam ?string graph_name
-- @tparam string text why; what is possible instead is added to it
-- @treturn table `kind`, `message`, `action`, `state`, `graph`, `allowed`, `already`
-- @usage
-- refusal.transition("confirm", "confirmed", "instant", "not possible")
--   --> { kind = "transition", already = true, allowed = { "cancel", … }, … }
function refusal.transition(action, state, graph_name, text)
  local rules = refusal.rules(graph_name)
  local allowed, already
  if rules then
    -- The graph says nothing about a state or an action that it lacks.
    if rules:is_final(state) ~= nil then
      allowed = rules:actions_in(state)
      if rules:has(action) then already = rules:leads_to(action, state) end
    end
  elseif not graph_name then
    local agreed = graph.agreed(graphs, action, state)
    allowed, already = agreed.allowed, agreed.already
  end
  if allowed and #allowed > 0 then text = text .. "; possible now: " .. table.concat(allowed, ", ") end
  return {
    kind = "transition", message = text,
    action = action, state = state, graph = graph_name, allowed = allowed, already = already,
  }
end

--- Refuses an action that does not exist: the booking's graph has no such action or, if the graph is not known, no
-- known graph has.
-- @tparam table hint what was last seen of the booking: `graph` and `state`, each may be nil
-- @tparam string action
-- @treturn table|nil the fields of an error, `input`; nil when there may be such an action
-- @usage
-- refusal.unknown({ graph = "instant", state = "confirmed" }, "cancle").message
--   --> "graph 'instant' has no action 'cancle', did you mean 'cancel'?"
function refusal.unknown(hint, action)
  local rules = refusal.rules(hint.graph)
  local problem
  if rules then
    if rules:has(action) then return nil end
    problem = select(2, rules:can(hint.state, action))
  else
    local names = {}
    for _, known in pairs(graphs) do
      if known:has(action) then return nil end
      for _, entry in ipairs(known.actions) do names[entry.name] = true end
    end
    problem = ("no known graph has an action %s%s"):format(messages.quote(action), messages.hint(action, names))
  end
  return { kind = "input", message = problem, action = action, graph = hint.graph, state = hint.state }
end

-- Whether a state is certainly final. The server's word counts, but not if actions leave the state: it may call `paid`
-- completed, which actions leave (spec/api.md 3). Without the server's word the graph's counts.
local function is_final(rules, hint)
  local completed = hint.completed
  if completed == true then return not rules or hint.state ~= nil and #rules:actions_in(hint.state) == 0 end
  return completed == nil and rules ~= nil and rules:is_final(hint.state) == true
end

--- Refuses an action where it is certain that the server would: the graph is known and has no such action, the graph
-- refuses an input, or the state is final. The server decides about everything else.
-- @tparam table hint what was last seen of the booking: `graph`, `state`, `completed`, each may be nil
-- @tparam string action
-- @tparam ?table inputs
-- @treturn table|nil the fields of an error (`input` or `transition`), nil to send the action
-- @usage
-- refusal.before({ graph = "instant", state = "cancelled" }, "cancel").kind   --> "transition"
function refusal.before(hint, action, inputs)
  local rules = refusal.rules(hint.graph)
  local _, problem
  -- An action that is offered exists, and a state that it leaves is not final.
  if rules and rules:next_state(hint.state, action) then
    _, problem = rules:check_inputs(action, inputs, hint.state)
  elseif rules and not rules:has(action) then
    _, problem = rules:can(hint.state, action)
  elseif is_final(rules, hint) then
    local where = hint.state and "in the state " .. messages.quote(hint.state) .. ", which is final" or "completed"
    return refusal.transition(action, hint.state, hint.graph,
      ("action %s is not possible: the booking is %s"):format(messages.quote(action), where))
  elseif rules then
    _, problem = rules:check_inputs(action, inputs, hint.state)
  end
  return problem and {
    kind = "input", message = problem, action = action, graph = hint.graph, state = hint.state,
    allowed = hint.state and rules:actions_in(hint.state),
  }
end

--- The error fields for problems of fields that were to be sent.
-- @tparam {table,...} problems `{ field =, problem = }`
-- @tparam ?string graph_name
-- @treturn table|nil `kind`, `message`, `fields` (field → list of texts), `graph`; nil when there are no problems
-- @usage
-- refusal.input { { field = "end", problem = "required" } }
--   --> { kind = "input", message = "end: required", fields = { ["end"] = { "required" } } }
function refusal.input(problems, graph_name)
  if #problems == 0 then return nil end
  local by_field = {}
  for _, found in ipairs(problems) do
    by_field[found.field] = by_field[found.field] or {}
    table.insert(by_field[found.field], found.problem)
  end
  return { kind = "input", message = table.concat(texts(problems), "; "), fields = by_field, graph = graph_name }
end

--- The graph that the fields of a new booking name.
-- @tparam table fields as for `POST /bookings`
-- @treturn string|nil its name, known or not; nil where the fields name none
-- @usage refusal.graph_of { graph = "instant" }   --> "instant"
function refusal.graph_of(fields)
  local name = rawget(fields, "graph")
  return type(name) == "string" and name or nil
end

--- Refuses the fields of a new booking where it is certain that the server would: its graph is known and refuses them
-- (see `Graph:check_create`), a time is invalid, or the end is before the start.
-- @tparam table fields as for `POST /bookings`
-- @tparam boolean rfc3339 whether times are sent in the usual format; another one cannot be checked here
-- @treturn table|nil the fields of an error (`input`, with `fields` naming each), nil to send them
-- @usage
-- refusal.creation({ graph = "group_customer" }, true).fields
--   --> { ["related.owner_booking_id"] = { "required by the graph 'group_customer'" } }
function refusal.creation(fields, rfc3339)
  local name = refusal.graph_of(fields)
  local rules = refusal.rules(name)
  local problems = rules and rules:check_create(fields) or {}
  local function add(list)
    for _, found in ipairs(list) do problems[#problems + 1] = found end
  end
  if rfc3339 then
    add(period.check(fields))
    -- Older requests have the times here (spec/support/fixtures/create-request-confirm_decline-2016.json).
    local event = rawget(fields, "event")
    if type(event) == "table" then add(period.check(event, "event.")) end
  end
  return refusal.input(problems, name)
end

--- Refuses invalid times, and an end before the start.
-- @tparam table fields with `start` and `end`, each may be left out
-- @tparam boolean rfc3339 as in `refusal.creation`
-- @treturn table|nil the fields of an error (`input`), nil to send them
-- @usage
-- refusal.times({ start = "tomorrow" }, true).kind   --> "input"
function refusal.times(fields, rfc3339)
  return rfc3339 and refusal.input(period.check(fields)) or nil
end

return refusal
