--- Several new bookings by one request: `POST /bookings/bulk` (API.md 4). See `Client:create_bookings`.
-- @module timekit.methods.bulk.create

local bulk_answer = require "timekit.methods.bulk.answer"
local core = require "timekit.core"
local options = require "timekit.options"
local outcome = require "timekit.methods.bulk.outcome"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"
local response = require "timekit.http.response"
local messages = require "timekit.text.messages"

local function check_creation(self, list, where, level)
  local problems, first = {}, nil
  for index, fields in ipairs(list) do
    local path = ("bookings[%d]"):format(index)
    if type(fields) ~= "table" or core.is_array(fields) or rawget(fields, 1) ~= nil then
      local got = type(fields) == "table" and "a list" or messages.describe(fields)
      error(("%s: %s: expected a table of fields, got %s"):format(where, path, got), level)
    end
    local found = refusal.creation(fields, self.rfc3339)
    for field, texts in pairs(found and found.fields or {}) do
      first = first or index
      for _, text in ipairs(texts) do problems[#problems + 1] = { field = path .. "." .. field, problem = text } end
    end
  end
  table.sort(problems, function(a, b) return a.field < b.field end)
  local found = refusal.input(problems)
  if found then found.index = first end
  return found
end

local function graph_of(fields)
  local graph = rawget(fields, "graph")
  return type(graph) == "string" and graph or nil
end

-- What became of each, from an answer that holds a list; nil when it tells nothing that can be told apart.
local function created(self, list, answer, whole, undoes)
  local all = bulk_answer.read(answer, #list)
  if #all == 0 then return nil end
  local results, any = {}, false
  for index, told in ipairs(all) do
    local call = { writes = true, expects = "created", graph = graph_of(list[index]) }
    if told.booking and type(told.booking.id) == "string" then
      results[index] = { told.booking, outcome.copy(whole) }
    else
      local found, doubt
      if told.refused then
        found, doubt = outcome.read_refusal(told, call, whole)
      else
        found, doubt = outcome.untold(whole, "the answer does not tell what became of this booking"), "lost"
      end
      results[index] = { nil, outcome.error(self, doubt and response.uncertain(call, found) or found, whole) }
      any = true
    end
  end
  if any and undoes then
    -- An answer may show bookings as they were before all were deleted.
    local cause = "another booking failed, and then all were to be deleted"
    for index, result in ipairs(results) do
      if result[1] then
        local call = { graph = graph_of(list[index]), effect = "the booking is still there" }
        local fields = response.uncertain(call, outcome.untold(whole, cause), result[1])
        results[index] = { nil, outcome.error(self, fields, whole) }
      end
    end
  end
  return results
end

local EFFECT = "the bookings were created, or some of them"

--- Creates the bookings.
-- @tparam Client self
-- @tparam table list
-- @tparam ?table opts
-- @tparam string where for messages
-- @tparam integer level whom to blame
-- @return as of `Client:create_bookings`
local function create(self, list, opts, where, level)
  local count = outcome.check_list(list, "tables of fields", where, level + 1)
  local given = options.check(opts, options.bulk_create, where, level + 1)
  local built, problem, reason = request.bulk_create(list, {
    relate_bookings = given.relate, stop_on_first_error = given.stop_on_first_error,
    delete_all_on_error = given.delete_all_on_error,
  }, given.include)
  if not built and reason == "type" then error(("%s: %s"):format(where, problem), level) end
  local wrong = check_creation(self, list, where, level + 1) or not built and { kind = "input", message = problem }
  if wrong then return outcome.refused(wrong) end
  if count == 0 then return outcome.nothing() end

  local undoes = given.delete_all_on_error == true
  local answer, info = self.runner:run {
    request = request.with_options(built, given),
    expects = "bulk", writes = true, effect = EFFECT, timeout = given.timeout,
  }
  if answer then
    local results = created(self, list, answer, info, undoes)
    if results then return outcome.finish(results, info) end
    local cause = outcome.untold(info, ("the answer does not tell of %d bookings, one by one"):format(count))
    return nil, outcome.error(self, response.uncertain({ effect = EFFECT }, cause), info)
  end
  local results = info.kind ~= "uncertain" and info.status and created(self, list, info.body, info, undoes)
  if results then return outcome.finish(results, info) end
  if outcome.leaves_doubt(info, count, undoes) then
    return nil, outcome.error(self, response.uncertain({ effect = EFFECT }, info), info)
  end
  return nil, info
end

return create
