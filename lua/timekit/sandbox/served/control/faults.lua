--- `/_sandbox/faults`: plans faults, shows and drops them.
-- @module timekit.sandbox.served.control.faults
local core = require "timekit.core"
local model = require "timekit.sandbox.model.faults"
local reading = require "timekit.sandbox.served.control.reading"
local replies = require "timekit.sandbox.routes.replies"

local faults = {}

-- Stands for math.huge, which JSON cannot hold.
local ALWAYS = "always"

--- Handles `GET /_sandbox/faults`.
-- @tparam table box
-- @treturn table reply
function faults.show(box)
  local planned = box:faults()
  for _, fault in ipairs(planned) do
    if fault.times == math.huge then fault.times = ALWAYS end
  end
  return replies.data(200, core.array(planned))
end

-- What is wrong with a fault; false when nothing is.
local function problem_of(fault, path)
  if type(fault) == "table" then
    if fault.times == ALWAYS then fault.times = math.huge end
    if fault.what == "refuse" then return path .. ".what: 'refuse' is possible only in the process" end
  end
  local problems = model.check(fault, path)
  return problems[1] and table.concat(problems, "; ")
end

--- Handles `POST /_sandbox/faults`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function faults.plan(box, request)
  local body, refusal = reading.object(request.body, '{"what": "close", "when": "after"}')
  if not body then return refusal end
  local list, path = { body }, "fault"
  if body.faults ~= nil then
    if not core.is_array(body.faults) or next(body, next(body)) then
      return replies.error(422, "faults: expected a list, and nothing beside it")
    end
    list, path = body.faults, "faults[%d]"
  end
  for index, fault in ipairs(list) do
    local problem = problem_of(fault, path:format(index))
    if problem then return replies.error(422, problem) end
  end
  for _, fault in ipairs(list) do box:fault(fault) end
  return faults.show(box)
end

--- Handles `DELETE /_sandbox/faults`.
-- @tparam table box
-- @treturn table reply
function faults.clear(box)
  box:clear_faults()
  return faults.show(box)
end

--- Handles `DELETE /_sandbox/faults/{place}`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function faults.drop(box, request)
  if not model.drop(box.store.faults, tonumber(request.params[1])) then return replies.not_found("Fault") end
  return faults.show(box)
end

return faults
