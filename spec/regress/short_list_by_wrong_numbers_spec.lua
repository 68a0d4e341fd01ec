-- A user saw: a loop over bookings that ended after the first page, because the server's `last_page` was too small, or
-- because its lists say nothing of pages. With an empty page at the end, a list that changed raised an error.
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

-- A server of `count` bookings, whose pages `describe_page(number, size, last)` describes. Its largest page has 3.
local function server(count, describe_page)
  local bookings = {}
  for index = 1, count do
    bookings[index] = {
      id = "b" .. index, graph = "confirm_decline", state = "tentative", completed = false,
      created_at = "2026-01-01T00:00:00+0000", updated_at = "2026-01-01T00:00:00+0000",
    }
  end
  return scripted.new(function(request)
    local id = request.target:match("^/bookings/(b%d+)/confirm$")
    for index, booking in ipairs(bookings) do
      if booking.id == id then
        booking.state = "confirmed"
        return scripted.answer(200, core.encode { data = table.remove(bookings, index) })
      end
    end
    local asked = tonumber(request.target:match("limit=(%d+)"))
    local size, number = math.min(asked, 3), tonumber(request.target:match("page=(%d+)") or 1)
    local items, last = {}, math.max(1, math.ceil(#bookings / size))
    for index = (number - 1) * size + 1, math.min(number * size, #bookings) do items[#items + 1] = bookings[index] end
    local body = describe_page(number, asked, size, last, #bookings)
    body.data = timekit.array(items)
    return scripted.answer(200, core.encode(body))
  end)
end

local FORMS = {
  ["says one page too few"] = function(number, _, size, last, total)
    return { total = total, per_page = size, current_page = number, last_page = math.max(1, last - 1) }
  end,
  ["says that there is one page"] = function(number, _, size, _, total)
    return { total = total, per_page = size, current_page = number, last_page = 1 }
  end,
  ["says one page too many"] = function(number, asked, _, last, total)
    return { total = total, per_page = asked, current_page = number, last_page = last + 1 }
  end,
  ["repeats the size that was asked for"] = function(number, asked, _, last, total)
    return { total = total, per_page = asked, current_page = number, last_page = last }
  end,
  ["says 0 a page"] = function(number, _, _, last, total)
    return { total = total, per_page = 0, current_page = number, last_page = last }
  end,
  ["says nothing"] = function() return {} end,
}

describe("a list of a server that", function()
  for name, form in pairs(FORMS) do
    for _, limit in ipairs { 2, 3 } do
      for _, changes in ipairs { false, true } do
        it(("%s is read to its end, limit %d, changing: %s"):format(name, limit, tostring(changes)), function()
          local tk = timekit.new { app_key = "test_key", transport = server(7, form), retries = 0 }
          local seen, count = {}, 0
          for booking in tk:bookings { limit = limit } do
            assert.is_nil(seen[booking.id])
            seen[booking.id] = true
            count = count + 1
            if changes then assert(tk:booking(booking):confirm()) end
          end
          assert.equal(7, count)
        end)
      end
    end
  end

  it("says nothing and has no further page is read once, unless its only page is full", function()
    for limit, requests in pairs { [5] = 1, [2] = 3 } do
      local transport = server(2, FORMS["says nothing"])
      local tk = timekit.new { app_key = "test_key", transport = transport, retries = 0 }
      local count = 0
      for _ in tk:bookings { limit = limit } do count = count + 1 end
      assert.same({ 2, requests }, { count, #transport.requests })
    end
  end)
end)
