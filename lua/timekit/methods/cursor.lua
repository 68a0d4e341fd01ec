--- Which page of a list to ask for next, and which of its bookings are new. Pure: no I/O.
--
-- Timekit pages by number (spec/api.md 1). When a booking leaves a list that is being read, all later ones move to the
-- front, and the reader's next page begins behind some that it never saw. A cursor notices that.
--
-- First pass: page after page, in the caller's order. It is proven complete if the list held `total` bookings when it
-- began, and as many were read that have not changed since: each of those was in the list then, so they are all of it.
-- Otherwise there is a second pass, which needs no quiet. It goes by `created_at`, an order that no action changes, in
-- windows that overlap. If the first booking of a window was read before, nothing between the two windows was missed;
-- if not, the next window begins further in front.
-- @module timekit.methods.cursor

local headers = require "timekit.http.headers"
local time = require "timekit.text.time"

local cursor = {}

--- How many bookings a window of the second pass holds at least. A spec with few bookings lowers it.
cursor.WINDOW = 100

-- How often in a row a window may be in the wrong place. Each time, the list has shrunk between two requests.
local MOST_MISSES = 50

local Cursor = {}
Cursor.__index = Cursor

--- Makes the cursor of one loop.
-- @tparam ?integer limit bookings a page, as the caller asks for; nil: the server's default
-- @treturn Cursor
-- @usage
-- local reader = cursor.new(100)
-- repeat
--   local new, problem = reader:take(read_page(reader:ask()))
-- until problem or reader.over
function cursor.new(limit)
  return setmetatable({
    pass = 1,
    number = 1, size = limit,   -- the page to ask for next
    window = nil,               -- the size of the second pass's pages, once its first one has come
    seen = {},                  -- id → the pass that covered the booking
    over = false,               -- everything was read
    expected = nil,             -- the total when the first pass began
    began = nil,                -- and the server's time, in unix seconds
    unchanged = 0,              -- bookings that were read and have not changed since
    has_dates = true,           -- each booking says when it was created
    has_changed = false,        -- the list was seen to change
    total = nil,                -- the latest total
    drop = 0,                   -- by how much the list shrank between two windows
    misses = 0,                 -- windows in a row that were in the wrong place
  }, Cursor)
end

--- The page to ask for.
-- @treturn integer its number, from 1
-- @treturn ?integer its size; nil: the server's default
-- @treturn boolean it has to be in the order of `created_at`, whatever the caller's order is
function Cursor:ask()
  return self.number, self.size, self.pass == 2
end

-- A list without numbers is whole, unless it names a next page.
local function has_more(page, number)
  if page.last_page then return number < page.last_page end
  return page.next_page_url ~= nil
end

-- Bookings of a page that were not on an earlier one. All of the page count as covered by this pass.
local function take_new(self, bookings)
  local new = {}
  for _, booking in ipairs(bookings) do
    local id = booking.id
    if id == nil or not self.seen[id] then new[#new + 1] = booking end
  end
  for _, booking in ipairs(bookings) do
    if booking.id ~= nil then self.seen[booking.id] = self.pass end
  end
  return new
end


-- Times are whole seconds. A booking that changed in the second in which the loop began counts as unchanged, unless the
-- list was seen to change.
local function is_proven(self)
  return self.unchanged == self.expected and not self.has_changed
end

local function begin_second_pass(self)
  self.pass, self.number, self.size = 2, 1, math.max(self.size or 0, cursor.WINDOW)
end

local function take_in_first_pass(self, page)
  if self.number == 1 then
    self.expected, self.began = page.total, page.date and headers.parse_date(page.date)
  end
  local new = take_new(self, page.data)
  for _, booking in ipairs(new) do
    local changed_at = time.parse(booking.updated_at)
    if changed_at and self.began and changed_at <= self.began then self.unchanged = self.unchanged + 1 end
    self.has_dates = self.has_dates and booking.created_at ~= nil
  end
  if page.total ~= self.expected or #new < #page.data then self.has_changed = true end
  if has_more(page, self.number) then
    self.number = self.number + 1
  elseif self.number == 1 or is_proven(self) or not (self.has_dates or self.has_changed) then
    self.over = true
  else
    begin_second_pass(self)
  end
  return new
end

-- Chooses the next window. It should begin at the position, counted from 0, but pages begin at multiples of their size.
-- Of the sizes from half a window to a whole one, the best is the one whose page holds the position and reaches
-- furthest. Where none reaches beyond the position, a larger size is taken.
local function aim(self, position)
  position = math.max(0, position)
  local reach = 0
  local function try(size)
    local start = position - position % size
    if start + size > reach then
      reach, self.number, self.size = start + size, start / size + 1, size
    end
  end
  for size = self.window, math.ceil(self.window / 2), -1 do try(size) end
  local larger = self.window
  while reach <= position + 1 do
    larger = larger + 1
    try(larger)
  end
end

-- The server does not use the size that was asked for, so a second pass can prove nothing.
local function give_up(self)
  self.over = true
  if not self.has_changed then return {} end
  return nil, "the list changed while it was read, and the server's pages do not let this be made up for"
end

-- The window has no booking in common with what was covered: there may be a gap.
local function step_back(self, page, first)
  self.misses = self.misses + 1
  if page.total == 0 then
    self.over = true
  elseif self.misses > MOST_MISSES then
    return nil, "the list changes faster than it can be read"
  else
    local shrunk = self.total and page.total and self.total - page.total or 0
    self.drop = shrunk > 0 and shrunk or math.ceil(first / 2)
    self.total = page.total
    aim(self, first - self.drop)
  end
  return {}
end

local function take_in_second_pass(self, page)
  local bookings, first = page.data, (self.number - 1) * self.size
  local more = has_more(page, self.number)
  if first == 0 and page.per_page and page.per_page < self.size then self.size = page.per_page end
  self.window = self.window or self.size
  if page.per_page and page.per_page ~= self.size or more and #bookings < self.size or self.window < 2 then
    return give_up(self)
  end
  if first > 0 and not (bookings[1] and self.seen[bookings[1].id] == 2) then return step_back(self, page, first) end

  local new = take_new(self, bookings)
  self.total = page.total
  if new[1] then self.misses = 0 else self.drop = 0 end
  if more then aim(self, first + #bookings - 1 - self.drop) else self.over = true end
  return new
end

--- Takes what the page that `ask` named has brought.
-- @tparam table page as of `Client:bookings_page`
-- @treturn {table,...}|nil the bookings on it that are new; nil: what is in the list cannot be told
-- @treturn ?string then why
function Cursor:take(page)
  if self.pass == 1 then return take_in_first_pass(self, page) end
  return take_in_second_pass(self, page)
end

return cursor
