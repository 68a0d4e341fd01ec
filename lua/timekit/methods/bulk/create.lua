--- Several new bookings by one request: `POST /bookings/bulk` (spec/api.md 4). See `Client:create_bookings`.
-- @module timekit.methods.bulk.create

local Error = require "timekit.error"
local core = require "timekit.core"
local items = require "timekit.methods.bulk.items"
local judge = require "timekit.methods.bulk.judge"
local messages = require "timekit.text.messages"
local options = require "timekit.options"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"
local response = require "timekit.http.response"

local EFFECT = "the bookings were created, or some of them"
local UNDOES = "another booking failed, and then all were to be deleted"

-- The fields of the error of creations that are certain to be refused; nil when there are none.
local function refuse(list, rfc3339, where, level)
  local problems, first = {}, nil
  for index, fields in ipairs(list) do
    local path = ("bookings[%d]"):format(index)
    if type(fields) ~= "table" or core.is_array(fields) or rawget(fields, 1) ~= nil then
      local got = type(fields) == "table" and "a list" or messages.describe(fields)
      error(("%s: %s: expected a table of fields, got %s"):format(where, path, got), level)
    end
    local refused = refusal.creation(fields, rfc3339)
    for field, texts in pairs(refused and refused.fields or {}) do
      first = first or index
      for _, text in ipairs(texts) do problems[#problems + 1] = { field = path .. "." .. field, problem = text } end
    end
  end
  table.sort(problems, function(a, b) return a.field < b.field end)
  local refused = refusal.input(problems)
  if refused then refused.index = first end
  return refused
end

local function records(list)
  local all = {}
  for index, fields in ipairs(list) do
    all[index] = { operation = { writes = true, expects = "created", graph = refusal.graph_of(fields) } }
  end
  return all
end

--- Does what `Client:create_bookings` says. Errors name `where` and blame `level`.
local function create(client, list, opts, where, level)
  items.check_list(list, "tables of fields", where, level + 1)
  local given = options.check(opts, options.bulk_create, where, level + 1)
  local built, problem, reason = request.bulk_create(list, {
    relate_bookings = given.relate, stop_on_first_error = given.stop_on_first_error,
    delete_all_on_error = given.delete_all_on_error,
  }, given.include)
  if not built and reason == "type" then error(("%s: %s"):format(where, problem), level) end
  local refused = refuse(list, client.rfc3339, where, level + 1) or not built and { kind = "input", message = problem }
  if refused then return nil, Error.unsent(refused) end
  if #list == 0 then return { done = 0, failed = 0 }, { attempts = 0, reconciled = false, elapsed = 0 } end

  local operation = {
    request = request.with_options(built, given),
    expects = "bulk", writes = true, effect = EFFECT, timeout = given.timeout,
  }
  local data, whole = client.runner:run(operation)
  local undoes = given.delete_all_on_error and UNDOES
  local doubt
  if data then
    if #data == #list then
      local bulk = { client = client, items = records(list), whole = whole, undoes = undoes }
      items.take_answer(bulk, data)
      return items.results(bulk), whole
    end
    doubt = judge.untold(whole, ("the answer tells of %d bookings, not of %d"):format(#data, #list))
  elseif whole.kind ~= "uncertain" then
    doubt = judge.whole(whole, #list, undoes)
  end
  if not doubt then return nil, whole end
  local fields = response.uncertain(operation, doubt)
  fields.attempts, fields.elapsed = whole.attempts, whole.elapsed
  return nil, Error.new(client.runner.redact(fields))
end

return create
