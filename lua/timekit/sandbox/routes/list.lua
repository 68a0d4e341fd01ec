--- `GET /bookings`: search, order and pages (spec/api.md 1 and 4, fixture pagination-list).
-- @module timekit.sandbox.routes.list
local core = require "timekit.core"
local graphs = require "timekit.graphs"
local render = require "timekit.sandbox.model.render"
local replies = require "timekit.sandbox.routes.replies"
local search = require "timekit.sandbox.routes.search"

local list = {}

-- Sources disagree: 50 or 1000 (spec/api.md 4). With the smaller one a program meets the second page early.
local DEFAULT_LIMIT = 50
local MAX_LIMIT = 1000

local ORDERS = {
  created_at = function(booking) return booking.created end,
  updated_at = function(booking) return booking.updated end,
  completed = function(booking) return booking.completed and 1 or 0 end,
  graph = function(booking) return booking.graph end,
  state = function(booking) return booking.state end,
  ["event.start"] = function(booking) return booking.event.starts end,
  ["event.end"] = function(booking) return booking.event.ends end,
}

local function read_number(query, name, default, max)
  local text = query[name]
  if text == nil or text == "" then return default end
  local number = text:find("^%d%d?%d?%d?%d?%d?%d?%d?%d?$") and tonumber(text)
  if not number or number < 1 then return nil, name .. " must be a whole number from 1" end
  return math.min(number, max)
end

local function read_time(request, name)
  local text = request.query[name]
  if text == nil or text == "" then return nil end
  return request.timestamps:read(text)
end

local function sort(bookings, key, descending)
  table.sort(bookings, function(a, b)
    if descending then a, b = b, a end
    local one, other = key(a), key(b)
    if one ~= other then return one < other end
    return a.number < b.number
  end)
end

local function page_url(request, path, page)
  local parts = {}
  for _, part in ipairs(request.query_parts) do
    if not part:find("^page=") then parts[#parts + 1] = part end
  end
  parts[#parts + 1] = "page=" .. page
  return request.base_url .. path .. "?" .. table.concat(parts, "&")
end

local function select(request, holds, from, to)
  local found = {}
  for _, booking in ipairs(request.store.bookings) do
    local event = booking.event
    local within = (not from or event.ends > from) and (not to or event.starts < to)
    if within and holds(booking) then found[#found + 1] = booking end
  end
  return found
end

-- Answers a page of the bookings for which `belongs` is true.
local function answer(request, path, belongs)
  local query, errors = request.query, {}
  local function read(name, value, problem)
    if problem then errors[name] = { problem } end
    return value
  end
  local limit = read("limit", read_number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT))
  local page = read("page", read_number(query, "page", 1, math.huge))
  local from = read("start", read_time(request, "start"))
  local to = read("end", read_time(request, "end"))
  local holds = read("search", search.read(query.search))
  local key = ORDERS[query.orderBy or "created_at"]
  if not key then errors.orderBy = { ("orderBy '%s' does not exist"):format(query.orderBy) } end
  local direction = query.sortedBy or "asc"
  if direction ~= "asc" and direction ~= "desc" then errors.sortedBy = { "sortedBy must be asc or desc" } end
  if next(errors) then return replies.fields(errors) end

  local found = select(request, function(booking) return belongs(booking) and holds(booking) end, from, to)
  sort(found, key, direction == "desc")
  local shown = {}
  local first, last = (page - 1) * limit + 1, math.min(page * limit, #found)
  for index = first, last do shown[#shown + 1] = render.booking(found[index], request) end
  local last_page = math.max(1, math.ceil(#found / limit))
  return {
    status = 200,
    body = {
      -- Timekit answers the limit as it came in the query: a string.
      total = #found, per_page = tostring(limit), current_page = page, last_page = last_page,
      next_page_url = page < last_page and page_url(request, path, page + 1) or core.null,
      prev_page_url = page > 1 and page_url(request, path, page - 1) or core.null,
      from = shown[1] and first or core.null, to = shown[1] and last or core.null,
      data = core.array(shown),
    },
  }
end

--- Handles `GET /bookings`.
-- `start` and `end` keep the bookings whose event lies at least partly between them.
-- @tparam table request see `timekit.sandbox.engine`
-- @treturn table reply
function list.bookings(request)
  return answer(request, "/bookings", function() return true end)
end

--- Handles `GET /bookings/groups`: the bookings that offer seats. It takes whatever `GET /bookings` takes.
-- @tparam table request
-- @treturn table reply
function list.groups(request)
  return answer(request, "/bookings/groups", function(booking) return graphs[booking.graph].seats == "owner" end)
end

return list
