-- A user saw: after a move that made a new booking, the old handle went on naming the old state as if nothing happened.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local TIMES = { start = "2030-03-02T08:00:00Z", ["end"] = "2030-03-02T09:00:00Z" }

local function handle(...)
  local tk = timekit.new { app_key = "test_key", transport = scripted.new { ... }, retries = 0 }
  return tk:booking { id = "old", graph = "instant", state = "confirmed", completed = false }
end

describe("a booking that is moved into another one", function()
  it("has the caller learn the new id, and its handle forget the state", function()
    local old = handle(scripted.answer(201, '{"data":{"id":"new","graph":"instant","state":"confirmed"}}'))
    local booking = assert(old:reschedule(TIMES))
    assert.same({ "new", "old" }, { booking.id, old.id })
    assert.is_nil(old.state)
  end)

  it("is uncertain where the answer is lost, with the state of the old one", function()
    local old = handle(scripted.failure("network", "maybe"),
      scripted.answer(200, '{"data":{"id":"old","graph":"instant","state":"rescheduled_by_customer"}}'))
    local none, err = old:reschedule(TIMES)
    assert.is_nil(none)
    assert.same({ "uncertain", "rescheduled_by_customer" }, { err.kind, err.state })
  end)
end)
