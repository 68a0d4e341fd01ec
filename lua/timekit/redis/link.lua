--- A link to a Redis: one connection, on which commands follow each other without waiting for answers.
--
-- It is a guest of a client's connection (`attach` of `timekit.transport.reference`), which moves it on and reports its
-- transfers that are done. So whoever waits for a command waits as for a request, in every host.
-- @module timekit.redis.link

local core = require "timekit.core"
local resp = require "timekit.redis.resp"

local links = {}

-- What changes a link happens as a whole. Else a coroutine that HAProxy interrupts between a command and its place in
-- the queue would leave another one's answer to it.
local uninterrupted = core.uninterrupted

-- Seconds after a lost connection in which commands fail at once, so that a server that is away is not called for each.
local REST = 0.25

-- Seconds between two tries while Redis reads its data after a start, or runs a script of somebody else's.
local BUSY_PAUSE = 0.05

-- ---- commands under way ----

--- A command, as a transfer of the transport contract. Its outcome has `value`, or `failure` with `kind`, `message` and
-- `code` (Redis's own word for an error, such as `OOM`); and `sent`.
-- @type Transfer
local Transfer = {}
Transfer.__index = Transfer

--- Is there an outcome?
-- @treturn boolean
function Transfer:done()
  return self.outcome ~= nil
end

--- What came of it.
-- @treturn table|nil nil until `done`
function Transfer:result()
  return self.outcome
end

--- Nobody waits for the answer any more. It is dropped when it comes.
function Transfer:cancel()
  uninterrupted(self.link.settle, self.link, self, {
    failure = { kind = "cancelled", message = "cancelled by the caller" },
  })
end

--- A link.
-- @type Link
local Link = {}
Link.__index = Link

-- Commands leave in their order, so one has not left while no more bytes have than those before it.
local function sent_of(self, transfer)
  if transfer.stream and transfer.stream == self.stream then
    return self.stream:written() > transfer.begins and "maybe" or "no"
  end
  return transfer.stream and "maybe" or "no"
end

--- Internal: gives a command its outcome, unless it has one.
function Link:settle(transfer, outcome)
  if transfer.outcome then return end
  outcome.sent = outcome.sent or sent_of(self, transfer)
  transfer.outcome = outcome
  self.ended.last = self.ended.last + 1
  self.ended[self.ended.last] = transfer
end

local function lose(self, kind, message)
  local waiting, first, last = self.waiting, self.first, self.last
  self.waiting, self.first, self.last = {}, 1, 0
  for index = first, last do self:settle(waiting[index], { failure = { kind = kind, message = message } }) end
  if self.stream then self.stream:close() end
  self.stream, self.decoder = nil, nil
  self.rest_until, self.problem = core.now() + REST, message
end

local function put(self, transfer, args)
  local bytes = resp.encode(args)
  transfer.stream, transfer.begins = self.stream, self.queued
  self.queued = self.queued + #bytes
  self.last = self.last + 1
  self.waiting[self.last] = transfer
  if not self.stream:send(bytes) then
    local _, problem = self.stream:state()
    lose(self, "network", "Redis: " .. problem)
  end
  return transfer
end

local function command(self, on_answer)
  return setmetatable({ link = self, on_answer = on_answer }, Transfer)
end

-- ---- what Redis answers ----

-- The kinds of failures, by Redis's own words. All others are failures of the server.
local KINDS = { WRONGPASS = "auth", NOAUTH = "auth", NOPERM = "auth" }

local function failure_of(text)
  local code = text:match("^(%u+)%f[^%w]") or "ERR"
  return { kind = KINDS[code] or "server", code = code, message = "Redis: " .. text }
end

local function answered(self, value)
  local transfer = self.waiting[self.first]
  if not transfer then return lose(self, "response", "Redis answered what was not asked") end
  self.waiting[self.first] = nil
  self.first = self.first + 1
  if transfer.on_answer and transfer.on_answer(value) then return end
  if type(value) == "table" and value.err then
    self:settle(transfer, { failure = failure_of(value.err), sent = "yes" })
  else
    self:settle(transfer, { value = value, sent = "yes" })
  end
end

local function read(self, stream)
  -- Without memory for what came, the stream gives nothing more.
  local is_read, bytes = pcall(stream.receive, stream)
  if not is_read then return lose(self, "network", "Redis: " .. tostring(bytes)) end
  if not bytes then return end
  self.decoder:feed(bytes)
  while self.stream == stream do
    local is_good, there, value = pcall(self.decoder.next, self.decoder)
    if not is_good then return lose(self, "response", tostring(there)) end
    if not there then return end
    answered(self, value)
  end
end

local function move(self)
  local stream = self.stream
  if not stream then return end
  read(self, stream)
  if self.stream ~= stream then return end
  local state, problem = stream:state()
  if state == "over" then lose(self, "network", "Redis: " .. problem) end
end

--- For the connection that it is a guest of: takes what has come.
function Link:move()
  if self.stream then uninterrupted(move, self) end
end

local function take_ended(ended)
  local transfer = ended[ended.first]
  if not transfer then return nil end
  ended[ended.first] = nil
  ended.first = ended.first + 1
  return transfer
end

--- Likewise: a command that is over, each one once.
-- @treturn Transfer|nil nil: there are no more
function Link:finished()
  return uninterrupted(take_ended, self.ended)
end

--- Likewise: the connection is closed. Commands under way are over, cancelled.
function Link:close()
  uninterrupted(lose, self, "cancelled", "the client was closed")
end

-- ---- connecting ----

-- The first commands of a connection. Others follow before these are answered; one that fails ends the connection.
local function greet(self)
  local at = self.address
  local function must(value)
    local failure = type(value) == "table" and value.err and failure_of(value.err)
    if failure then lose(self, failure.kind, failure.message) end
  end
  if at.password then
    put(self, command(self, must), at.username and { "AUTH", at.username, at.password } or { "AUTH", at.password })
  end
  if at.db ~= 0 and self.stream then put(self, command(self, must), { "SELECT", at.db }) end
end

-- Makes the connection, if there is none. Returns why not.
local function connect(self)
  local engine, problem = self.engine()
  if self.stream and self.of_engine ~= engine then
    -- In a forked process the connection is the parent's; libcurl may also have run out of memory.
    lose(self, "network", "the connection belonged to another process")
    self.rest_until = 0
  end
  if self.stream then return nil end
  if not engine then return problem end
  if core.now() < self.rest_until then return self.problem end
  local is_open, stream = pcall(engine.stream, engine, self.address)
  if not is_open then return tostring(stream) end
  self.stream, self.decoder, self.queued, self.of_engine = stream, resp.decoder(), 0, engine
  greet(self)
  return not self.stream and self.problem or nil
end

-- ---- asking ----

local function start(self, args)
  local transfer = command(self)
  local problem = connect(self)
  if not problem then return put(self, transfer, args) end
  self:settle(transfer, { failure = { kind = "network", message = problem } })
  return transfer
end

--- Sends a command.
-- @tparam table args strings and numbers, the command's name first
-- @treturn Transfer
function Link:start(args)
  return uninterrupted(start, self, args)
end

local function script_command(name, what, keys, args)
  local list = { name, what, #keys }
  for index = 1, #keys do list[#list + 1] = keys[index] end
  for index = 1, #args do list[#list + 1] = args[index] end
  return list
end

local function run(self, text, keys, args)
  local digest = self.digests[text]
  local whole = script_command("EVAL", text, keys, args)
  if not digest then
    local problem = connect(self)
    if not problem then
      put(self, command(self, function(value)
        if type(value) == "string" then self.digests[text] = value end
      end), { "SCRIPT", "LOAD", text })
    end
    return start(self, whole)
  end
  local transfer = start(self, script_command("EVALSHA", digest, keys, args))
  function transfer.on_answer(value)
    if not (type(value) == "table" and value.err and value.err:find("^NOSCRIPT")) then return false end
    self.digests[text] = nil
    transfer.on_answer = nil
    put(self, transfer, whole)
    return true
  end
  return transfer
end

--- Runs a script inside Redis. It is sent once for each Redis, and then called by its digest, which Redis tells. If
-- Redis has forgotten it, after a restart say, nothing was done, and it is sent again.
-- @tparam string text the script
-- @tparam table keys
-- @tparam table args strings and numbers
-- @treturn Transfer
function Link:run(text, keys, args)
  return uninterrupted(run, self, text, keys, args)
end

local function lateness(self)
  if not self.stream or self.stream:state() ~= "connecting" then return "Redis did not answer in time" end
  -- A server without TLS waits for the rest of the handshake, which it takes for a command.
  return "no connection to Redis came about in time"
    .. (self.address.url:find("^https:") and " (is it one that speaks TLS?)" or "")
end

-- Ends a command that is late, and the connection. Answers come in the order of the commands, so one that is late
-- holds up all behind it.
local function give_up(self, transfer)
  if transfer.outcome then return end
  local message = lateness(self)
  transfer.outcome = { failure = { kind = "timeout", message = message }, sent = sent_of(self, transfer) }
  if self.stream then lose(self, "network", message) end
  self.rest_until = 0
end

local function wait(self, host, transfer, seconds)
  if not transfer:done() then host.runtime.wait(host.pump, transfer, seconds) end
  if not transfer:done() then uninterrupted(give_up, self, transfer) end
  local outcome = transfer:result()
  if not outcome.failure then return outcome.value end
  outcome.failure.sent = outcome.sent
  return nil, outcome.failure
end

local BUSY = { LOADING = true, BUSY = true }

-- `begin`: function that starts the command, each time anew.
local function ask(self, host, seconds, begin)
  local deadline = core.now() + seconds
  while true do
    if host.pump.closed then return nil, { kind = "cancelled", message = "the client was closed", sent = "no" } end
    local value, failure = wait(self, host, begin(), math.max(0, deadline - core.now()))
    if value ~= nil or not BUSY[failure.code] or core.now() + BUSY_PAUSE >= deadline then return value, failure end
    host.runtime.sleep(BUSY_PAUSE, host.pump)
  end
end

--- Sends a command and waits for its answer. While Redis is busy with its own data it asks again.
-- @tparam table host who waits: `runtime` and `pump`
-- @tparam table args as of `start`
-- @tparam number seconds the longest wait. Without an answer by then the connection is given up
-- @return the answer; nil on failure
-- @treturn ?table the failure: `kind`, `message`, `code`, `sent`
function Link:ask(host, args, seconds)
  return ask(self, host, seconds, function() return self:start(args) end)
end

--- The same for a script.
-- @tparam table host as of `ask`
-- @tparam string text the script
-- @tparam table keys
-- @tparam table args
-- @tparam number seconds as of `ask`
-- @return as of `ask`
function Link:ask_script(host, text, keys, args, seconds)
  return ask(self, host, seconds, function() return self:run(text, keys, args) end)
end

--- Makes a link that moves on with a client's transfers.
-- Raises if the client's transport cannot do that.
-- @tparam Pump pump
-- @tparam table address as of `new`
-- @treturn Link
function links.attach(pump, address)
  local engine
  local link = links.new(function() return engine() end, address)
  engine = pump:attach(link)
  if not engine then error("redis: the client's transport has no connections to other servers: see attach there", 0) end
  return link
end

-- Pump → the Redis's name → what `of_client` returns.
local shared = setmetatable({}, { __mode = "k" })

--- What all queues of a client have of one Redis. The engine has room for few connections, and keeps each until the
-- client is closed; programs make a queue for each of their requests, or work for a while again and again.
-- @tparam Pump pump
-- @tparam table address as of `new`
-- @treturn table `link`; `bells`: links of workers that are over
function links.of_client(pump, address)
  local known = shared[pump] or {}
  shared[pump] = known
  local name = table.concat({
    address.url, address.unix_path or "", address.db, address.username or "", address.password or "",
    address.ca_file or "",
  }, "\n")
  known[name] = known[name] or { link = links.attach(pump, address), bells = {} }
  return known[name]
end

--- Makes a link. It connects when it is first used.
-- @tparam function engine function that returns the engine of this process, or nil and why there is none
-- @tparam table address as of `timekit.redis.address`, with `ca_file` and `connect_timeout`
-- @treturn Link
function links.new(engine, address)
  return setmetatable({
    address = address, engine = engine,
    stream = nil, of_engine = nil,      -- the connection, and the engine that moves it
    decoder = nil,
    queued = 0,                         -- bytes of all commands of this connection
    waiting = {}, first = 1, last = 0,  -- the commands without an answer: waiting[first] to waiting[last]
    ended = { first = 1, last = 0 },    -- the commands that are over and not reported yet, likewise
    digests = {},                       -- script → its digest
    rest_until = 0, problem = nil,      -- after a loss: until when it rests, and what happened
  }, Link)
end

return links
