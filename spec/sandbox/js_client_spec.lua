-- Timekit's own client for JavaScript runs its methods for bookings against the sandbox, unchanged.
-- `make test` installs it into build/js where there is npm and a network.
local core = require "timekit.core"
local server = require "spec.support.sandbox_server"
local shell = require "spec.support.shell"

local FOLDER, KEY = "build/js", "test_api_key_js"

local function is_installed()
  return (shell.run(("node -e 'require(\"./%s/node_modules/timekit-sdk\")'"):format(FOLDER)))
end

describe("Timekit's client for JavaScript", function()
  if not is_installed() then
    pending("is not there: node, or timekit-sdk in " .. FOLDER)
    return
  end

  local served, seen, missed

  setup(function()
    served = server.start("KEY=" .. KEY)
    local output = shell.must(
      ("env -u http_proxy -u HTTP_PROXY -u all_proxy -u ALL_PROXY node spec/support/js_client.js %s %s %s"):format(
        FOLDER, served.url:gsub("v2$", ""), KEY))
    local printed = assert(core.decode(output))
    seen, missed = printed.seen, printed.missed
  end)
  teardown(function() served:close() end)

  it("is the version that is meant", function()
    local file = assert(io.open(FOLDER .. "/node_modules/timekit-sdk/package.json"))
    local text = file:read("*a")
    file:close()
    assert.equal("1.19.8", core.decode(text).version)
  end)

  it("has no method for bookings that was left out here", function()
    assert.same({}, missed)
  end)

  it("creates a booking, reads it, and performs actions on it", function()
    local created = seen.created
    assert.equal(201, created.status)
    assert.same({ "tentative", "Marty McFly", "Haircut" },
      { created.data.state, created.data.customers[1].name, created.data.attributes.event_info.what })
    assert.same({ "confirm", "decline" }, seen.read.data.available_actions)
    assert.same({ 200, "confirmed" }, { seen.confirmed.status, seen.confirmed.data.state })
    assert.same({ 422, { error = "Cannot apply action 'confirm' to current state 'confirmed'" } },
      { seen.confirmedAgain.status, seen.confirmedAgain.data })
    assert.same({ 200, "cancelled", true },
      { seen.cancelled.status, seen.cancelled.data.state, seen.cancelled.data.completed })
  end)

  it("reschedules a booking, by an address with a slash at its end", function()
    assert.same({ 200, "confirmed", "2030-01-02T10:00:00Z" }, { seen.rescheduled.status, seen.rescheduled.data.state,
      seen.rescheduled.data.attributes.event_info.start })
  end)

  it("deletes a booking once it is over", function()
    assert.equal(422, seen.deletedEarly.status)
    assert.same({ 204, "" }, { seen.deleted.status, seen.deleted.data })
    assert.equal(404, seen.gone.status)
  end)

  it("creates and updates bookings in bulk", function()
    assert.equal(201, seen.bulk.status)
    assert.same({ seen.bulk.data[2].id, seen.bulk.data[1].id },
      { seen.bulk.data[1].bulked_bookings[1].id, seen.bulk.data[2].bulked_bookings[1].id })
    assert.same({ 200, 424, 422 },
      { seen.bulkFailed.status, seen.bulkFailed.data[1].status, seen.bulkFailed.data[2].status })
    assert.same({ 200, 424, 422 }, { seen.reset.status, seen.reset.data[1].status, seen.reset.data[2].status })
    assert.same({ "cancelled", "cancelled" }, { seen.updated.data[1].state, seen.updated.data[2].state })
  end)

  it("lists and shows groups", function()
    assert.same({ 201, 201, 422 }, { seen.group.status, seen.seat.status, seen.full.status })
    assert.equal(1, #seen.groups.data)
    assert.equal(seen.group.data.id, seen.groups.data[1].id)
    assert.same({ max_seats = 1, current_seats = 1 }, seen.groupRead.data.attributes.group_booking)
  end)

  it("reserves a slot, extends that, and books it", function()
    assert.same({ 201, "reserved" }, { seen.reserved.status, seen.reserved.data.state })
    assert.equal(200, seen.extended.status)
    assert.is_true(seen.extended.data.expires_at > seen.reserved.data.expires_at)
    assert.equal(422, seen.taken.status)
    assert.same({ 201, "confirmed" }, { seen.booked.status, seen.booked.data.state })
  end)

  it("lists all bookings", function()
    -- Two of the bulk, the group and its customer, and what was reserved.
    assert.same({ 200, 5, 5 }, { seen.all.status, #seen.all.data, seen.all.metaData.total })
  end)
end)
