--- What bulk requests have in common: what their answers say about items, and about the whole.
-- @module timekit.methods.bulk.outcome

local Error = require "timekit.error"
local core = require "timekit.core"
local response = require "timekit.http.response"
local messages = require "timekit.text.messages"

local bulk_outcome = {}

-- A refusal of the whole may be about one item only, while those before it took effect: no source says that they do
-- not. So may a 403, for a booking that is somebody else's, say. These statuses are about the request as such.
local ABOUT_REQUEST = {
  [401] = true, [405] = true, [406] = true, [411] = true, [413] = true, [414] = true, [415] = true, [429] = true,
}

--- Raises on what is no list.
-- @param list
-- @tparam string what it is to be a list of
-- @tparam string where for messages
-- @tparam integer level whom to blame
-- @treturn integer how long it is
function bulk_outcome.check_list(list, what, where, level)
  local count = 0
  if type(list) == "table" then
    for _ in next, list do count = count + 1 end
    if count == #list then return count end
  end
  error(("%s: expected a list of %s, got %s"):format(
    where, what, type(list) == "table" and "a table with other keys" or messages.describe(list)), level)
end

--- The error of what is not sent at all.
-- @tparam table fields of the error
-- @treturn nil
-- @treturn table the error
function bulk_outcome.refused(fields)
  fields.sent, fields.attempts, fields.elapsed = "no", 0, 0
  return nil, Error.new(fields)
end

--- The results of a list without items.
-- @treturn table
-- @treturn table info
function bulk_outcome.nothing()
  return { done = 0, failed = 0 }, { attempts = 0, reconciled = false, elapsed = 0 }
end

--- Copies a table, not what is in it.
-- @tparam table fields
-- @treturn table of the same class, if it has one
function bulk_outcome.copy(fields)
  local new = setmetatable({}, getmetatable(fields))
  for name, value in pairs(fields) do new[name] = value end
  return new
end

--- An error that is about the outcome of one item, or of all.
-- @tparam Client client
-- @tparam table fields of the error
-- @tparam table of what has the `attempts` and the time (`elapsed`) of the whole
-- @treturn table
function bulk_outcome.error(client, fields, of)
  fields.attempts, fields.elapsed = of.attempts, of.elapsed
  return Error.new(client.runner.redact(fields))
end

--- What an item was refused with, as if it had been a request of its own.
-- @tparam table told as of `timekit.methods.bulk.answer`
-- @tparam table call the item, as for `timekit.http.response`
-- @tparam table whole info or error of the whole request
-- @treturn table the fields of an error
-- @treturn ?string the doubt that this leaves, as of `response.read`
function bulk_outcome.read_refusal(told, call, whole)
  local status = told.status or whole.status and whole.status >= 400 and whole.status or 422
  local _, found, doubt = response.read({
    status = status, headers = {}, body = core.encode(told.refused), sent = "yes",
  }, call, os.time)
  found.status, found.request_id = told.status or whole.status, whole.request_id
  return found, doubt
end

--- The doubt about an item that no answer tells of.
-- @tparam table whole info or error of the whole request
-- @tparam string message
-- @treturn table the fields of an error
function bulk_outcome.untold(whole, message)
  return { kind = "response", message = message, sent = "yes", status = whole.status, request_id = whole.request_id }
end

--- Counts results.
-- @tparam table results gets `done` and `failed`
-- @tparam table info
-- @treturn table results
-- @treturn table info
function bulk_outcome.finish(results, info)
  results.done, results.failed = #results, 0
  for _, result in ipairs(results) do
    if not result[1] then results.failed = results.failed + 1 end
  end
  return results, info
end

-- A refusal that names nothing but the list, its flags and what was to be included is about the request as such.
local function is_about_request(err)
  if not err.fields or not next(err.fields) then return false end
  for name in pairs(err.fields) do
    local about = name:find("^bookings") or name:find("_on_%a+_?error$") or name == "relate_bookings"
    if not about and name ~= "include" then return false end
  end
  return true
end

--- Whether some items may have taken effect although the whole was refused.
-- @tparam table err
-- @tparam integer count how many items there were
-- @tparam boolean undoes an error takes all back
-- @treturn boolean
function bulk_outcome.leaves_doubt(err, count, undoes)
  local status = err.status
  if not status or status < 400 or status >= 500 or ABOUT_REQUEST[status] or err.sent ~= "yes" then return false end
  return count > 1 and not undoes and not is_about_request(err)
end

return bulk_outcome
