--- `/_sandbox/requests`: the history, one request in full, and sending it again.
-- @module timekit.sandbox.served.control.requests
local core = require "timekit.core"
local reading = require "timekit.sandbox.served.control.reading"
local replies = require "timekit.sandbox.routes.replies"
local time = require "timekit.text.time"

local requests = {}

-- An entry of a page: without its body, which can be long.
local function brief(entry)
  return {
    number = entry.number, method = entry.method, target = entry.target, status = entry.status, at = entry.at,
    time = time.format(entry.at), who = entry.who, address = entry.address, seconds = entry.seconds,
    fault = entry.fault, request_id = entry.request_id,
  }
end

local function page_of(list, page)
  local shown = {}
  for number = math.min(page.before - 1, list.count), 1, -1 do
    local entry = #shown < page.newest and list:get(number)
    if not entry then break end
    shown[#shown + 1] = brief(entry)
  end
  return { status = 200, body = { data = core.array(shown), total = list.count } }
end

--- Handles `GET /_sandbox/requests`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function requests.list(box, request)
  local page, refusal = reading.page(request.query)
  if refusal then return refusal end
  if page then return page_of(box.store.requests, page) end
  return replies.data(200, core.array(box:requests()))
end

local function show(box, number)
  local shown = number and box:request(number)
  if not shown then return replies.not_found("Request") end
  shown.time = time.format(shown.at)
  return replies.data(200, shown)
end

--- Handles `GET /_sandbox/requests/{number}`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function requests.show(box, request)
  return show(box, tonumber(request.params[1]))
end

--- Handles `POST /_sandbox/requests/{number}/again`.
-- @tparam table box
-- @tparam table request
-- @treturn table reply
function requests.again(box, request)
  local number = tonumber(request.params[1])
  local answer, new = box:again(number)
  if not answer then return replies.not_found("Request") end
  -- A late request has no entry until it arrives.
  if not new then return replies.data(202, { fault = answer.fault }) end
  return show(box, new)
end

return requests
