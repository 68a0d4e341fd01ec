-- A user saw: a bulk item told as done or as failed, by a word of the answer that was about another item.
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

-- A server that answers the bulk with these entries, and shows bookings in these states when asked.
local function update(entries, states, items, opts)
  local reads = 0
  local tk = timekit.new { app_key = "test_key", retries = 0, transport = scripted.new(function(request)
    if request.method ~= "GET" then return scripted.answer(200, core.encode { data = core.array(entries) }) end
    reads = reads + 1
    return scripted.booking(states[request.target:match "^/bookings/([^?]+)"])
  end) }
  local endings = {}
  for index, result in ipairs(assert(tk:update_bookings(items, opts))) do
    local one, told = result[1], result[2]
    endings[index] = one and one.state .. (told.reconciled and " reconciled" or "") or told.kind
  end
  return endings, reads
end

local function shown(id, state)
  return { id = id, graph = "confirm_decline", state = state }
end

describe("what a bulk's answer seems to tell", function()
  it("is no word on any item, when it refuses another action than was asked for", function()
    local refused = { id = "b1", error = "Cannot apply action 'decline' to current state 'confirmed'" }
    local items = { { "b1", "confirm" }, { "b2", "confirm" } }
    assert.same({ "confirmed reconciled", "confirmed reconciled" },
      (update({ refused, shown("b2", "confirmed") }, { b1 = "confirmed", b2 = "confirmed" }, items)))
    refused.error = "Cannot apply action 'confirm' to current state 'declined'"
    assert.same({ "transition", "confirmed" }, (update({ refused, shown("b2", "confirmed") }, {}, items)))
  end)

  it("is no word on any item, when it has another order", function()
    local items = { { "b1", "confirm" }, { "b2", "confirm" }, { "b1", "cancel" } }
    local entries = { { id = "b1", error = "no" }, shown("b1", "cancelled"), shown("b2", "confirmed") }
    assert.same({ { "uncertain", "confirmed reconciled", "cancelled reconciled" }, 3 },
      { update(entries, { b1 = "cancelled", b2 = "confirmed" }, items) })
  end)

  it("is not the last word where one that is left out may have taken all back", function()
    local items = { { "b1", "confirm" }, { "b2", "confirm" }, { "b3", "confirm" } }
    local undo = { reset_all_on_error = true }
    -- b2 was confirmed before, so that its item failed, of which the answer says nothing.
    local entries = { shown("b1", "confirmed"), core.null, shown("b3", "confirmed") }
    assert.same({ { "uncertain", "uncertain", "uncertain" }, 3 },
      { update(entries, { b1 = "tentative", b2 = "confirmed", b3 = "tentative" }, items, undo) })
    local all = { b1 = "confirmed", b2 = "confirmed", b3 = "confirmed" }
    assert.same({ { "confirmed reconciled", "confirmed reconciled", "confirmed reconciled" }, 3 },
      { update(entries, all, items, undo) })
    assert.same({ { "confirmed", "confirmed reconciled", "confirmed" }, 1 }, { update(entries, all, items) })
  end)
end)
