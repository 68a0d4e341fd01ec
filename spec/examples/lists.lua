-- Lists: a loop over all pages, one page, a search. The sandbox stands in for Timekit here.
local timekit = require "timekit"
local tk = timekit.new { transport = timekit.sandbox.new() }

local slot = {
  graph = "instant", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z", meta = { shop = "north" },
}
for index = 1, 3 do
  slot.customer = { name = "Martha " .. index }
  assert(tk:create_booking(slot))
end

-- One request a page, sent when the loop comes to it. With `prefetch` the next page is on its way meanwhile.
local search = { state = "confirmed", ["customer.name"] = "Martha*" }
for booking in tk:bookings { search = search, include = "customers", limit = 2, prefetch = true } do
  print(booking.customers[1].name)
end

local page = assert(tk:bookings_page { search = { ["meta.shop"] = "north" }, limit = 2 })
print(#page.data, page.total, page.last_page)

-- A loop raises what other methods return. A value that could be another search is refused.
print(pcall(function()
  for booking in tk:bookings { search = { ["customer.name"] = "x;state:confirmed" } } do print(booking.id) end
end))
tk:close()

-- It prints:
-- Martha 1
-- Martha 2
-- Martha 3
-- 2	3	2
-- false	timekit: input: search.customer.name: ';' and ':' cannot be searched for: Timekit ends a value there
