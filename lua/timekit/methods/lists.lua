--- Lists of bookings, page by page (spec/api.md 1 and 4).
-- What it adds to a client is documented there, as methods of `Client`.
-- @module timekit.methods.lists

local Error = require "timekit.error"
local core = require "timekit.core"
local cursor = require "timekit.methods.cursor"
local options = require "timekit.options"
local query = require "timekit.http.query"
local refusal = require "timekit.rules.refusal"
local request = require "timekit.http.request"

local lists = {}

-- Option → what Timekit calls it.
local PARAMETERS = {
  { "limit", "limit" }, { "page", "page" }, { "order_by", "orderBy" }, { "sorted_by", "sortedBy" },
  { "start", "start" }, { "end", "end" },
}

-- The parameters of a list, or nil and the error of what cannot be asked for.
local function parameters_of(given, rfc3339)
  local list = {}
  local refused = refusal.times(given, rfc3339)
  if refused then return nil, Error.unsent(refused) end
  if given.search and given.search[1] then
    local text, problems = query.search(given.search)
    if not text then return nil, Error.unsent(refusal.input(problems)) end
    list[1] = { "search", text }
  end
  for _, names in ipairs(PARAMETERS) do
    local value = given[names[1]]
    if value then list[#list + 1] = { names[2], type(value) == "number" and core.encode(value) or value } end
  end
  return list
end

-- The operation that reads a page, or nil and the error of what cannot be asked for.
local function operation_for(client, route, given, expects)
  local list, refused = parameters_of(given, client.rfc3339)
  if not list then return nil, refused end
  return {
    request = request.with_options(request.list(route, list, given.include), given),
    expects = expects, timeout = given.timeout,
  }
end

local function read_page(client, route, given, expects)
  local operation, refused = operation_for(client, route, given, expects)
  if not operation then return nil, refused end
  return client.runner:run(operation)
end

-- The error of an answer that cannot be used.
local function useless(info, message)
  return Error.answered(info, { kind = "response", message = message })
end

-- A loop over all bookings of a list.
local Walk = {}
Walk.__index = Walk

-- The options of the page that the cursor asks for.
local function given_for(self)
  local given = {}
  for name, value in pairs(self.opts) do given[name] = value end
  local number, size, by_creation = self.cursor:ask()
  -- The first page needs no number, and endpoints without pages do not know one.
  given.page, given.limit = number > 1 and number or nil, size
  if by_creation or not given.order_by then given.order_by = "created_at" end
  return given, number
end

-- Ends the request that is under way for the loop.
local function drop(self)
  if self.coming then self.coming:cancel() end
  self.coming = nil
end

-- Reads the next page; raises what goes wrong with it.
local function turn(self)
  local given, number = given_for(self)
  local coming = self.coming
  self.coming = nil
  if not self.page then self.writes = self.client.runner.writes() end
  local turned, info
  if coming then
    turned, info = coming:finish()
  else
    turned, info = read_page(self.client, self.route, given, "turned")
  end
  if not turned then error(info, 0) end
  local page = turned.page
  -- A server that does not turn pages would have the same bookings come again, for ever.
  if page.current_page and page.current_page ~= number then
    error(useless(info, ("asked for page %d, the server answered page %d"):format(number, page.current_page)), 0)
  end
  turned.is_alone = self.writes == self.client.runner.writes()
  local new, problem = self.cursor:take(turned)
  if problem then error(useless(info, problem), 0) end
  self.page, self.new, self.index = page, new, 0
  if self.opts.prefetch and not self.cursor.over then
    self.coming = self.client.runner:prefetch((operation_for(self.client, self.route, (given_for(self)), "turned")))
  end
end

-- The next booking and its page; nil at the end, also after an error was raised.
local function step(self)
  if self.failed then return nil end
  while self.index == #self.new do
    if self.cursor.over then return nil end
    if self.client.closed then
      drop(self)
      error(self.where .. ": the client is closed", 3)
    end
    self.failed = true
    turn(self)
    self.failed = false
  end
  self.index = self.index + 1
  return self.new[self.index], self.page
end

-- An iterator over all bookings of a list. With `prefetch` the results are the four that Lua's `for` takes; the last is
-- what Lua 5.4 closes when the loop is left.
local function walk(client, route, opts, where)
  local self = setmetatable({
    client = client, route = route, opts = opts, where = where,
    cursor = cursor.new(opts.limit),
    page = nil, new = {}, index = 0,   -- the page at hand, its bookings that are new, and how many were handed out
    coming = nil,                      -- the next page's request, with `prefetch`
    writes = nil,                      -- what the runner had counted when the loop began
    failed = false,                    -- an error was raised, here or in a page's request
  }, Walk)
  local function iterate()
    local booking, page = step(self)
    return booking, page
  end
  if not opts.prefetch then return iterate end
  return iterate, nil, nil, setmetatable({}, { __close = function() drop(self) end })
end

-- The checked options of a list. Times are texts, unless the client writes them in a format of its own.
local function check_options(self, opts, checkers, where, level)
  local given = options.check(opts, checkers, where, level + 1)
  for _, name in ipairs { "start", "end" } do
    if self.rfc3339 and type(given[name]) == "number" then
      error(("%s: %s: expected a string, got a number"):format(where, name), level)
    end
  end
  return given
end

-- Adds the methods to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function lists.install(Client, check)
  --- @type Client

  --- Walks through bookings, all pages of them: `GET /bookings` (spec/api.md 4). Each step gives a booking and the page
  -- that it stands on, as of `Client:bookings_page`.
  --
  -- **What is promised.** Every booking that matched when the loop began, and still does when its page is read, comes
  -- exactly once. None comes twice. That holds whatever the loop's body and others do to the bookings meanwhile. Where
  -- that cannot be known, an error is raised. A booking that begins to match meanwhile may come or not.
  --
  -- **What it costs.** One request a page, sent when the loop comes to it. A list of several pages is read once more,
  -- in pages of at least 100, unless it is proven that nothing was missed: as many bookings were read as matched in the
  -- beginning, and by `updated_at` and the answer's `Date` none of them had changed since, nor in the ten seconds
  -- before. Bookings found then come last. The ids of the bookings are kept until the loop ends, about 10 MB for
  -- 100,000.
  --
  -- **Where the proof has limits.** Bookings that were created in those ten seconds count as unchanged, as long as no
  -- client of this Lua state has changed anything since; so what other programs create in the very second in which the
  -- loop begins may hide as many bookings. The proof needs times in RFC 3339, so with an `output_timestamp_format` such
  -- a list is always read twice. A server that ignores `limit`, or gives bookings without `created_at`, is read once;
  -- there an error is raised if the list is seen to change.
  --
  -- A page that cannot be read is **raised** as an error of `timekit.error`, since a loop that just ended would look
  -- complete: `pcall` around the loop gets the table. What the loop body raises is not touched.
  --
  -- In PUC Lua 5.1 a coroutine cannot wait inside a loop's iterator: in a call of `start` or an event loop use
  -- `bookings_page` there. LuaJIT and Lua from 5.2 on can.
  --
  -- With `prefetch` the next page's request is sent as soon as a page has come, and its answer arrives while the loop's
  -- body is at work; never more than one page ahead. An error of that page is raised when the loop comes to it. The
  -- body's time does not count as the page's `timeout`; only a page that is too large to arrive unattended is asked for
  -- again if the body takes longer than that. The request ends with the loop: on Lua 5.4 by `break`, `return` or an
  -- error too; on other Luas when the garbage collector finds the iterator, or with the client, and `after` is not told
  -- of it.
  --
  -- Raises at once on a wrong option, and on a closed client.
  -- @tparam ?ListOptions:SearchOptions opts left as it is
  -- @tparam[opt=false] boolean opts.prefetch have the next page under way while the loop's body handles one
  -- @treturn fun():BookingData?,Page? the iterator, and with `prefetch` what loops of Lua 5.4 close. The kinds that it
  --   raises: `input`, `auth`, `validation`, `rate_limited`, `server`, `network`, `timeout`, `response`, `cancelled`,
  --   `phase`
  -- @usage
  -- for booking in tk:bookings { search = { graph = "instant", ["customer.name"] = "Mar*" }, limit = 100 } do
  --   print(booking.id, booking.state)
  -- end
  function Client:bookings(opts)
    check(self, "client:bookings", 3)
    return walk(self, "/bookings", check_options(self, opts, options.list, "client:bookings", 3), "client:bookings")
  end

  --- Reads one page of bookings: `GET /bookings` (spec/api.md 1 and 4).
  -- Raises on a wrong option, and on a closed client.
  -- @tparam ?PageOptions:SearchOptions opts as for `Client:bookings` but for `prefetch`
  -- @tparam ?integer opts.page its number, from 1
  -- @treturn Page|nil `data`: the list of bookings; `total`, `per_page`, `current_page`, `last_page`, `from`, `to`:
  --   numbers, `next_page_url`, `prev_page_url`: strings, each nil where Timekit does not say it
  -- @treturn Info|Error `info` as in `Booking:action`, or the error: `input`, `auth`, `validation`, `rate_limited`,
  --   `server`, `network`, `timeout`, `response`, `cancelled`, `phase`
  -- @usage
  -- local page = assert(tk:bookings_page { limit = 20, page = 2 })
  -- print(#page.data, page.total, page.last_page)
  function Client:bookings_page(opts)
    check(self, "client:bookings_page", 3)
    local given = check_options(self, opts, options.page, "client:bookings_page", 3)
    local page, info = read_page(self, "/bookings", given, "page")
    return page, info
  end

  --- Walks through the bookings that offer seats (graph `group_owner`): `GET /bookings/groups` (spec/api.md 4).
  -- An iterator like that of `Client:bookings`, with the same options and errors.
  -- @tparam ?ListOptions opts as for `Client:bookings`
  -- @treturn fun():BookingData?,Page? the iterator
  -- @usage
  -- for group in tk:group_bookings { include = "attributes" } do
  --   local seats = group.attributes.group_booking
  --   print(group.id, seats.current_seats, seats.max_seats)
  -- end
  function Client:group_bookings(opts)
    local where = "client:group_bookings"
    check(self, where, 3)
    return walk(self, "/bookings/groups", check_options(self, opts, options.list, where, 3), where)
  end

  --- Reads a booking that offers seats: `GET /bookings/groups/{id}` (spec/api.md 4).
  -- Raises on an id that is not one, on a wrong option, and on a closed client.
  -- @tparam string id
  -- @tparam ?GetOptions opts as for `Booking:get`
  -- @treturn BookingData|nil the booking
  -- @treturn Info|Error `info` or the error, as of `Booking:get`
  -- @usage local group = assert(tk:group_booking(id))
  function Client:group_booking(id, opts)
    local where = "client:group_booking"
    check(self, where, 3)
    local _, problem = request.segment(id)
    if problem then error(("%s: the id: %s"):format(where, problem), 2) end
    local given = options.check(opts, options.read, where, 3)
    local booking, info = self.runner:run {
      request = request.with_options(request.group(id, given.include), given),
      expects = "booking", id = id, timeout = given.timeout,
    }
    return booking, info
  end
end

return lists
