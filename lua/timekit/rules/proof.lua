--- Whether a booking that was read proves that a change was made to it.
-- Pure: no I/O. A change that is not proved may have been made or not.
-- @module timekit.rules.proof

local event = require "timekit.rules.event"
local given = require("timekit.text.fields").given
local time = require "timekit.text.time"

local proof = {}

-- Null and a member that is left out are the same: Timekit may answer either.
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

--- Is a booking's `meta` exactly what was sent? It is not known whether Timekit replaces it or adds to it, so a booking
-- with more in its `meta` proves nothing.
-- @tparam table booking read with `include=meta`
-- @tparam table meta
-- @treturn boolean
-- @usage
-- proof.meta({ meta = { colour = "red" } }, { colour = "red" })   --> true
function proof.meta(booking, meta)
  return type(booking.meta) == "table" and same(booking.meta, meta)
end

local function instant(value)
  if type(value) == "number" then return value end
  return (time.parse(value))
end

--- Does a booking have the times, and the resource, that it was to be moved to?
-- @tparam table booking read with `include=attributes,event,resource`
-- @tparam table fields `start` and `end`, timestamps of RFC 3339 or unix seconds, without which nothing is proved, and
--   `resource_id`, which may be left out
-- @treturn boolean
-- @usage
-- local times = { start = "2027-03-01T08:00:00Z", ["end"] = "2027-03-01T09:00:00Z" }
-- proof.times({ event = times }, times)   --> true
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
