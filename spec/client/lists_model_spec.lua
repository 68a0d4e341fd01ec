-- Lists that change while they are read: what `tk:bookings` promises, over random interleavings in a sandbox.
local cursors = require "timekit.methods.cursor"
local dice = require "spec.support.dice"
local timekit = require "timekit"

-- How many random histories are played. `make test` plays a few; SEEDS=5000 plays more.
local SEEDS = tonumber(os.getenv("SEEDS")) or 300

local SLOT = { start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z" }

-- A sandbox with bookings, a client that is read by, and one for everybody else who acts on the bookings.
local function world(roll)
  local box = timekit.sandbox.new { now = 1893456000 }
  local self = {
    box = box, roll = roll, others = timekit.new { transport = box }, ids = {}, owner = nil,
    tells_date = roll:integer(1, 2) == 1,   -- a box in the process does not say when it answers; Timekit does
  }
  -- Others act before a request of the reader is answered, too.
  self.reader = timekit.new {
    transport = {
      connect = function(_, options)
        local connection = box:connect(options)
        local start = connection.start
        function connection.start(_, request)
          if self.disturb then self.disturb() end
          local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(box:now()))
          local transfer = start(connection, request)
          local result = transfer.result
          function transfer.result(...)
            local outcome = result(...)
            if self.tells_date and outcome.headers then outcome.headers.date = date end
            return outcome
          end
          return transfer
        end
        return connection
      end,
    },
  }
  return self
end

local function create(self)
  local booking = assert(self.others:create_booking {
    graph = "confirm_decline", start = SLOT.start, ["end"] = SLOT["end"],
  })
  self.ids[#self.ids + 1] = booking.id
  return booking.id
end

local ACTS = {
  function(self) create(self) end,
  function(self, id) self.others:booking(id):confirm() end,
  function(self, id) self.others:booking(id):cancel() end,
  function(self, id) self.others:booking(id):decline() end,
  function(self, id) self.others:booking(id):delete() end,
  -- One that had left comes back, at its old place.
  function(self, id)
    if self.others:booking(id):get() then self.box:set_state(id, "tentative") end
  end,
  function(self, id) self.others:booking(id):update_meta { changed = self.roll:integer(1, 9) } end,
}

local function act(self)
  if self.roll:integer(1, 4) == 1 then self.box:advance(1) end
  if #self.ids == 0 then create(self) end
  ACTS[self.roll:integer(1, #ACTS)](self, self.roll:pick(self.ids))
end

-- The ids that a search finds at this moment.
local function matching(self, search)
  local found, page = {}, 0
  repeat
    page = page + 1
    local answer = assert(self.others:bookings_page { search = search, limit = 1000, page = page })
    for _, booking in ipairs(answer.data) do found[booking.id] = true end
  until page >= answer.last_page
  return found
end

-- Plays one history. Returns the problem, or nil.
local function play(seed)
  local roll = dice.new(seed)
  local self = world(roll)
  for _ = 1, roll:integer(0, 40) do create(self) end
  local search = roll:integer(1, 2) == 1 and { state = "tentative" } or nil
  local opts = {
    search = search, limit = roll:integer(1, 12), prefetch = roll:integer(1, 2) == 1,
    order_by = ({ "created_at", "updated_at", "state" })[roll:integer(1, 6)],
    sorted_by = ({ "asc", "desc" })[roll:integer(1, 4)],
  }
  -- Every booking that matched when the loop began and has not ceased to since.
  local steady = matching(self, search)
  local busy = ({ 0, 1, 3 })[roll:integer(1, 3)]
  local body_acts = roll:integer(1, 2) == 1
  local function disturb()
    for _ = 1, roll:integer(0, busy) do act(self) end
    local now = matching(self, search)
    for id in pairs(steady) do steady[id] = now[id] and true or nil end
  end
  self.disturb = disturb
  local seen, count = {}, 0
  local well, err = pcall(function()
    for booking in self.reader:bookings(opts) do
      if seen[booking.id] then error("twice: " .. booking.id, 0) end
      if search and booking.state ~= "tentative" then error("it did not match: " .. booking.state, 0) end
      seen[booking.id] = true
      count = count + 1
      if count > 400 then error("it does not end", 0) end
      if body_acts then self.others:booking(booking):confirm() end
      if roll:integer(1, 3) == 1 then disturb() end
    end
  end)
  if not well then return type(err) == "string" and err or err.kind end
  disturb()
  for id in pairs(steady) do
    if not seen[id] then return "missed: " .. id end
  end
end

describe("a list that changes while it is read", function()
  local usual = cursors.WINDOW
  after_each(function() cursors.WINDOW = usual end)

  it("brings every booking once, whoever acts on them, and never fails", function()
    for seed = 1, SEEDS do
      cursors.WINDOW = 4 + seed % 12
      local problem = play(seed)
      assert(not problem, ("seed %d: %s"):format(seed, tostring(problem)))
    end
  end)
end)
