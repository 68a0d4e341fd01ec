--- Somebody who acts on bookings through the client, and notes what became of each operation.
local core = require "timekit.core"
local blocking = require "timekit.runtime.blocking"
local tasks = require "timekit.runtime.tasks"
local timekit = require "timekit"
local recorder = require "spec.chaos.recorder"

local writer = {}
writer.__index = writer

local KEY = "test_api_key_1"

local MAIN = {}

-- Lua 5.1 returns nil for the main coroutine.
local function this_thread()
  return coroutine.running() or MAIN
end

-- The seconds that were not really slept, by coroutine. Deadlines count them, so for the client a pause is as long as
-- ever. Operations that are under way at once have a time of their own each, so one's pause does not shorten another's.
local skipped = setmetatable({}, { __mode = "k" })

local function lapse(runtime)
  local now, sleep = runtime.now, runtime.sleep
  function runtime.now() return core.now() + (skipped[this_thread()] or 0) end
  function runtime.sleep(seconds, ...)
    local thread = this_thread()
    skipped[thread] = (skipped[thread] or 0) + seconds
    if sleep then return sleep(seconds / 1000, ...) end
  end
  return function() runtime.now, runtime.sleep = now, sleep end
end

--- Makes waiting between two tries a thousand times shorter, for all clients that this process makes from now on, until
-- the function that it returns is called.
function writer.lapse_time()
  local restore = { lapse(blocking) }
  local has_cqueues, of_cqueues = pcall(require, "timekit.runtime.cqueues")
  if has_cqueues then restore[2] = lapse(of_cqueues) end
  local runtime_of_calls = tasks.runtime
  function tasks.runtime(registry)
    local runtime = runtime_of_calls(registry)
    lapse(runtime)
    return runtime
  end
  return function()
    for _, undo in ipairs(restore) do undo() end
    tasks.runtime = runtime_of_calls
  end
end

-- An operation's answer in plain data.
local function outcome_of(booking, info)
  if booking then
    return { kind = "success", state = booking.state, id = booking.id, reconciled = info.reconciled,
      attempts = info.attempts, elapsed = info.elapsed }
  end
  return { kind = info.kind, state = info.state, sent = info.sent, already = info.already, attempts = info.attempts,
    elapsed = info.elapsed, cause = info.cause and info.cause.kind, text = tostring(info) }
end

-- On Lua 5.1 (LuaJIT apart) nothing can yield out of xpcall.
local function try(fn)
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") and this_thread() ~= MAIN then return true, fn() end
  return xpcall(fn, debug.traceback)
end

-- Notes an operation: what it answered, and what was seen of it on the way. An operation never raises for what the
-- world does.
local function run(self, note, fn)
  note.trace = {}
  local thread = this_thread()
  self.traces[thread] = note.trace
  note.began = core.now()
  local done, booking, info = try(fn)
  note.ended = core.now()
  self.traces[thread], self.recorder.before = nil, nil
  -- Counts the operations before, and those under way.
  note.spent = self.spent
  for _, trace in pairs(self.traces) do note.spent = note.spent + recorder.retries(trace) end
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
-- @tparam table options `url`, `uncertain`, `retries`, `rate`, `runtime`: the client's; `number`: the writer's own;
--   `wrap` (function: transport → transport) and `distort` (function: booking, info, note → booking, info) for writers
--   that lie
-- @treturn table with `notes`
function writer.new(options)
  local transport = require "timekit.transport.core"
  if options.wrap then transport = options.wrap(transport) end
  local own = recorder.new(transport)
  local self = setmetatable({
    recorder = own, notes = {}, number = options.number, handles = {}, seen = {},
    uncertain = options.uncertain, retries = options.retries, spent = 0, traces = {},
    distort = options.distort or function(booking, info) return booking, info end,
  }, writer)
  function own.current() return self.traces[this_thread()] end
  self.client = timekit.new {
    app_key = KEY, base_url = options.url, transport = own, connect_timeout = 5,
    retries = options.retries, uncertain = options.uncertain, rate = options.rate, runtime = options.runtime,
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
-- @tparam table operation `marker`, `action`, `inputs`, `handle`, `timeout`
-- @tparam table booking `id` and `graph`
-- @tparam ?function before called with the number of each request that is about to be sent
-- @treturn table the note: `marker`, `writer`, `booking`, `graph`, `action`, `timeout`, `uncertain`, `retries`,
--   `outcome`, `trace`, `spent` (how often the client had retried before), …
function writer:act(operation, booking, before)
  local note = {
    marker = operation.marker, writer = self.number, booking = booking.id, graph = booking.graph,
    action = operation.action, timeout = operation.timeout, handle = operation.handle,
    uncertain = self.uncertain, retries = self.retries, faults = operation.faults,
  }
  local handle = self:handle(booking.id, operation.handle)
  note.hint = { graph = handle.graph, state = handle.state }
  self.recorder.before = before
  local shown = run(self, note, function()
    return handle:action(operation.action, operation.inputs, {
      timeout = operation.timeout, settings = { chaos = operation.marker },
    })
  end)
  if shown then self.seen[booking.id] = shown end
  return note
end

--- Creates a booking that is not used further.
-- @tparam table operation `marker`, `create` (a graph), `timeout`
-- @tparam table fields of the booking
-- @treturn table the note, with `create` instead of booking and action
function writer:create(operation, fields)
  local note = {
    marker = operation.marker, writer = self.number, create = operation.create, timeout = operation.timeout,
    uncertain = self.uncertain, retries = self.retries, faults = operation.faults,
  }
  fields.meta = { chaos = operation.marker }
  run(self, note, function() return self.client:create_booking(fields, { timeout = operation.timeout }) end)
  return note
end

function writer:close()
  self.client:close()
end

return writer
