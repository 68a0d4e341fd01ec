--- The shapes of Timekit's answers (spec/api.md 1), before they become JSON.
-- A reply is `{ status =, body =, headers = }`.
-- @module timekit.sandbox.routes.replies
local core = require "timekit.core"

local replies = {}

--- A success in its envelope.
-- @tparam number status
-- @tparam table data
-- @treturn table reply
function replies.data(status, data)
  return { status = status, body = { data = data } }
end

--- An error that is one text.
-- @tparam number status
-- @tparam string text
-- @tparam ?table headers further headers
-- @treturn table reply
function replies.error(status, text, headers)
  return { status = status, body = { error = text }, headers = headers }
end

--- Timekit's answer for something that does not exist.
-- @tparam ?string model what it would have been, such as `Booking`
-- @treturn table reply
function replies.not_found(model)
  return { status = 404, body = { error = "Resource does not exist", model = model } }
end

--- Timekit's answer when an action is not possible in the booking's state. Clients parse this text.
-- @tparam string action
-- @tparam string state
-- @treturn table reply
function replies.transition(action, state)
  return replies.error(422, ("Cannot apply action '%s' to current state '%s'"):format(action, state))
end

--- Errors of fields.
-- @tparam table errors field → list of texts
-- @tparam ?string step the internal step that failed, as Timekit names it
-- @treturn table reply
function replies.fields(errors, step)
  local marked = {}
  for field, texts in pairs(errors) do marked[field] = core.array(texts) end
  return { status = 422, body = { errors = marked, action = step } }
end

--- An error of one field.
-- @tparam string field
-- @tparam string text
-- @tparam ?string step
-- @treturn table reply
function replies.field(field, text, step)
  return replies.fields({ [field] = { text } }, step)
end

return replies
