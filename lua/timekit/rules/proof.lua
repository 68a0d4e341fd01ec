--- Whether a booking that was read proves that a change was made to it (design.md 3).
-- Pure: no I/O. Of what these functions do not prove nothing is known.
-- @module timekit.rules.proof

local core = require "timekit.core"
local event = require "timekit.rules.event"
local time = require "timekit.text.time"

local proof = {}

-- JSON's null says as much as leaving a member out.
local function given(value)
  if value == core.null then return nil end
  return value
end

local function same(one, other)
  one, other = given(one), given(other)
  if type(one) ~= "table" or type(other) ~= "table" then return one == other end
  for key, value in next, one do
    if not same(value, rawget(other, key)) then return false end
  end
  for key, value in next, other do
    if given(value) ~= nil and given(rawget(one, key)) == nil then return false end
  end
  return true
end

--- Is a booking's `meta` what was sent? All of it: whether Timekit replaces it or adds to it is not known.
-- @tparam table booking read with `include=meta`
-- @tparam table meta
-- @treturn boolean
function proof.meta(booking, meta)
  return type(booking.meta) == "table" and same(booking.meta, meta)
end

local function instant(text)
  return type(text) == "string" and time.parse(text) or nil
end

--- Does a booking stand where it was to be moved?
-- @tparam table booking read with `include=attributes,event,resource`
-- @tparam table fields `start` and `end`, without which nothing is proved, and `resource_id`, which may be left out
-- @treturn boolean
function proof.times(booking, fields)
  local its_event = event.of(booking)
  if not its_event then return false end
  for _, name in ipairs { "start", "end" } do
    local wanted = instant(rawget(fields, name))
    if not wanted or wanted ~= instant(its_event[name]) then return false end
  end
  local resource = given(rawget(fields, "resource_id"))
  if resource == nil then return true end
  return type(booking.resource) == "table" and booking.resource.id == resource
end

return proof
