--- Somebody who acts on bookings through the client, and notes what became of each call.
local core = require "timekit.core"
local blocking = require "timekit.runtime.blocking"
local timekit = require "timekit"
local recorder = require "spec.chaos.recorder"

local writer = {}
writer.__index = writer

local KEY = "test_api_key_1"

-- What was not slept. Deadlines count it, so a wait is as long as ever for the client, and chaos need not wait.
local skipped = 0

--- Makes waiting between two tries a thousand times shorter, for all clients of this process, until the function that
-- it returns is called.
function writer.lapse_time()
  local now, sleep = blocking.now, blocking.sleep
  function blocking.now() return core.now() + skipped end
  function blocking.sleep(seconds)
    skipped = skipped + seconds
    if sleep then sleep(seconds / 1000) end
  end
  return function() blocking.now, blocking.sleep = now, sleep end
end

-- What a call answered, in plain data.
local function outcome_of(booking, info)
  if booking then
    return { kind = "success", state = booking.state, id = booking.id, reconciled = info.reconciled,
      attempts = info.attempts, elapsed = info.elapsed }
  end
  return { kind = info.kind, state = info.state, sent = info.sent, already = info.already, attempts = info.attempts,
    elapsed = info.elapsed, cause = info.cause and info.cause.kind, text = tostring(info) }
end

-- Notes a call: what it answered, and what was seen of it on the way. A call never raises for what the world does.
local function run(self, note, call)
  note.trace = {}
  self.recorder.trace = note.trace
  note.began = core.now()
  local done, booking, info = xpcall(call, debug.traceback)
  note.ended = core.now()
  self.recorder.before = nil
  note.spent = self.spent
  self.spent = self.spent + recorder.retries(note.trace)
  if done then
    booking, info = self.distort(booking, info, note)
    note.outcome = outcome_of(booking, info)
  else
    note.outcome = { kind = "raised", text = booking }
  end
  self.notes[#self.notes + 1] = note
  return done and booking
end

--- Makes a writer, with a client of its own.
-- @tparam table options `url`, `uncertain`, `retries`, `rate`: the client's; `number`: the writer's, for the notes;
--   `wrap` (function: transport → transport) and `distort` (function: booking, info, note → booking, info) for writers
--   that lie
-- @treturn table with `notes`
function writer.new(options)
  local transport = require "timekit.transport.core"
  if options.wrap then transport = options.wrap(transport) end
  local own = recorder.new(transport)
  local self = setmetatable({
    recorder = own, notes = {}, number = options.number, handles = {}, seen = {},
    uncertain = options.uncertain, retries = options.retries, spent = 0,
    distort = options.distort or function(booking, info) return booking, info end,
  }, writer)
  self.client = timekit.new {
    app_key = KEY, base_url = options.url, transport = own, connect_timeout = 5,
    retries = options.retries, uncertain = options.uncertain, rate = options.rate,
  }
  return self
end

function writer:handle(id, how)
  if how == "kept" then
    self.handles[id] = self.handles[id] or self.client:booking(id)
    return self.handles[id]
  end
  return self.client:booking(how == "seen" and self.seen[id] or id)
end

--- Performs an action.
-- @tparam table call `marker`, `action`, `inputs`, `handle`, `timeout`
-- @tparam table booking `id` and `graph`
-- @tparam ?function before called with the number of each request that is about to be sent
-- @treturn table the note: `marker`, `writer`, `booking`, `graph`, `action`, `timeout`, `uncertain`, `retries`,
--   `outcome`, `trace`, `spent` (how often the client had retried before), …
function writer:act(call, booking, before)
  local note = {
    marker = call.marker, writer = self.number, booking = booking.id, graph = booking.graph, action = call.action,
    timeout = call.timeout, handle = call.handle, uncertain = self.uncertain, retries = self.retries,
    faults = call.faults,
  }
  local handle = self:handle(booking.id, call.handle)
  note.hint = { graph = handle.graph, state = handle.state }
  self.recorder.before = before
  local shown = run(self, note, function()
    return handle:action(call.action, call.inputs, { timeout = call.timeout, settings = { chaos = call.marker } })
  end)
  if shown then self.seen[booking.id] = shown end
  return note
end

--- Creates a booking that is not used further.
-- @tparam table call `marker`, `create` (a graph), `timeout`
-- @tparam table fields of the booking
-- @treturn table the note, with `create` instead of booking and action
function writer:create(call, fields)
  local note = {
    marker = call.marker, writer = self.number, create = call.create, timeout = call.timeout,
    uncertain = self.uncertain, retries = self.retries, faults = call.faults,
  }
  fields.meta = { chaos = call.marker }
  run(self, note, function() return self.client:create_booking(fields, { timeout = call.timeout }) end)
  return note
end

function writer:close()
  self.client:close()
end

return writer
