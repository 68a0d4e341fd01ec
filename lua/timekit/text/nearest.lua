--- The known name that a mistyped one was probably meant to be.
-- @module timekit.text.nearest

local min, abs = math.min, math.abs

-- Edit distance where swapping two neighbours is one edit; nil when it exceeds `limit`.
-- The lengths are compared first, so a huge name costs nothing.
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
-- Close is an edit distance (insert, delete, replace, swap of two neighbours) of at most a third of the
-- name's length, and of at least one. Of several equally close candidates the alphabetically first wins,
-- so that a message is the same on every run.
-- @function nearest
-- @tparam string name the name as given; anything else has no nearest one
-- @tparam table candidates the known names, as a list or as the keys of a table
-- @treturn string|nil the nearest candidate (the name itself when it is one), nil when none is close
-- @usage
-- local nearest = require "timekit.text.nearest"
-- nearest("mesage", { "message", "enabled" })   --> "message"
-- nearest("colour", { message = true })         --> nil
return function(name, candidates)
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
