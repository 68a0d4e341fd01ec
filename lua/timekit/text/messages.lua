--- The words of messages: what a value is, a text in quotes, and the name that was probably meant.
-- Pure: no I/O.
-- @module timekit.text.messages

local ascii = require "timekit.text.ascii"
local core = require "timekit.core"

local messages = {}

--- Type → how messages name a value of it, for every type that a field can have.
messages.TYPES = {
  string = "a string", boolean = "a boolean", number = "a number", integer = "an integer",
  table = "a table", ["function"] = "a function",
}

local min, abs = math.min, math.abs

-- The edit distance, where swapping two neighbours is one edit; nil when it is greater than `limit`.
-- The lengths are compared first: the time grows with their product, and a caller may pass megabytes.
local function distance(a, b, limit)
  if abs(#a - #b) > limit then return nil end
  local before, previous = nil, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local current = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local edits = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        edits = min(edits, before[j - 2] + 1)
      end
      current[j] = edits
    end
    before, previous = previous, current
  end
  if previous[#b] > limit then return nil end
  return previous[#b]
end

--- Finds the candidate that `name` was probably meant to be.
-- A candidate is close if the edit distance (insert, delete, replace, swap of two neighbours) is at most a third of the
-- name's length; one edit is always close. Of several equally close candidates the alphabetically first wins, so that a
-- message is the same on every run.
-- @tparam string name the name as given; anything else has no nearest one
-- @tparam table candidates the known names, as a list or as the keys of a table
-- @treturn string|nil the nearest candidate (the name itself when it is one), nil when none is close
-- @usage
-- messages.nearest("mesage", { "message", "enabled" })   --> "message"
-- messages.nearest("colour", { message = true })         --> nil
function messages.nearest(name, candidates)
  if type(name) ~= "string" or next(candidates) == nil then return nil end
  local limit = math.max(1, math.floor(#name / 3))
  local best, edits
  for key, value in pairs(candidates) do
    local candidate = type(key) == "number" and value or key
    if type(candidate) == "string" then
      local found = distance(name, candidate, edits or limit)
      if found and (not edits or found < edits or candidate < best) then
        best, edits = candidate, found
      end
    end
  end
  return best
end

--- Says what a value is, for a message such as "expected a string, got a number".
-- @tparam any value
-- @treturn string
-- @usage
-- messages.describe(7)              --> "a number"
-- messages.describe(nil)            --> "nothing"
-- messages.describe(timekit.null)   --> "null"
function messages.describe(value)
  if value == nil then return "nothing" end
  if value == core.null then return "null" end
  return messages.TYPES[type(value)] or "a " .. type(value)
end

local CONTROL = "[" .. ascii.CONTROL .. "]"

--- Puts a text between quotes for a message of one line: control characters become `?`, a text of more than 60 bytes is
-- cut.
-- @tparam any text
-- @treturn string
-- @usage messages.quote("line\nbreak")   --> "'line?break'"
function messages.quote(text)
  text = tostring(text):gsub(CONTROL, "?")
  if #text > 60 then text = text:sub(1, 57) .. "..." end
  return "'" .. text .. "'"
end

--- The end of a message about an unknown name: the name that was probably meant.
-- @tparam string name
-- @tparam table candidates as for `messages.nearest`
-- @treturn string empty when no candidate is close
-- @usage
-- messages.hint("mesage", { "message" })   --> ", did you mean 'message'?"
function messages.hint(name, candidates)
  local near = messages.nearest(name, candidates)
  return near and ", did you mean " .. messages.quote(near) .. "?" or ""
end

return messages
