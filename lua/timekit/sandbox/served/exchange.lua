--- Reads one request from a stream of lua-http, and writes its answer.
-- A request that is not valid HTTP is refused, and its connection closed. The server goes on whatever comes in.
-- @module timekit.sandbox.served.exchange
local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local new_headers = require("http.headers").new
local yieldable_pcall = require("http.util").yieldable_pcall
local core = require "timekit.core"

local exchange = {}

local MAX_BODY = 1024 * 1024
local MAX_LINE = 16 * 1024
local MAX_DISCARDED = 64 * 1024 * 1024

-- Seconds.
local READ_TIMEOUT, WRITE_TIMEOUT, DISCARD_TIMEOUT = 30, 30, 2

local function refusal(status, text)
  local body = core.encode { error = text }
  return {
    status = status, body = body,
    headers = { ["content-type"] = "application/json", ["content-length"] = tostring(#body), connection = "close" },
  }
end

-- Calls `take(size, chunk)` for every part of the body, until it returns false. Returns true at the end of the body;
-- false when `take` did; false and an error number when the body is malformed or does not come in time.
local function each_chunk(stream, take)
  local deadline = cqueues.monotime() + READ_TIMEOUT
  while true do
    -- lua-http collects a whole chunk before it hands it out, and one chunk can be gigabytes. So `take` also sees the
    -- size of what is collected so far, whenever lua-http would wait.
    local chunk, problem, code = stream:get_next_chunk(0)
    if chunk then
      if not take(#chunk, chunk) then return false end
    elseif problem == nil then
      -- No more chunks: either the body is complete, or the client went away in its middle.
      return stream.state == "half closed (remote)"
    elseif code ~= errno.ETIMEDOUT then
      return false, code
    else
      local socket, left = stream.connection.socket, deadline - cqueues.monotime()
      if left <= 0 or not take((socket:pending())) then return false end
      cqueues.poll(socket, left)
    end
  end
end

-- Returns the body; nil and an answer when something is wrong with it; nil alone when the client is gone.
local function read_body(stream, headers)
  local length, another = headers:get("content-length")
  local malformed = refusal(400, "Malformed request")
  if length and (another or not length:find("^%d+$")) then return nil, malformed end
  local too_large = refusal(413, ("The body exceeds %d bytes"):format(MAX_BODY))
  if length and tonumber(length) > MAX_BODY then return nil, too_large end
  if headers:get("expect") and stream.peer_version > 1 then stream:write_continue(WRITE_TIMEOUT) end
  local chunks, size, fits = {}, 0, true
  local complete, code = each_chunk(stream, function(count, chunk)
    fits = size + count <= MAX_BODY
    if chunk then
      chunks[#chunks + 1] = chunk
      size = size + count
    end
    return fits
  end)
  if complete then return table.concat(chunks) end
  if not fits then return nil, too_large end
  return nil, code == errno.EILSEQ and malformed or nil
end

local function read_request(stream)
  stream.connection:setmaxline(MAX_LINE)
  local headers, problem, code = stream:get_headers(READ_TIMEOUT)
  if not headers then
    if code == errno.E2BIG then return nil, refusal(431, "Too many headers") end
    if code == errno.EILSEQ or problem and not code then return nil, refusal(400, "Malformed request") end
    return nil
  end
  local plain = {}
  for name, value in headers:each() do
    if name:sub(1, 1) ~= ":" then plain[name] = value end
  end
  local body, refused = read_body(stream, headers)
  if not body then return nil, refused end
  local _, address = stream.connection:peername()
  return {
    address = address,
    method = headers:get(":method"), target = headers:get(":path") or "", headers = plain, body = body,
    -- lua-http's name for the Host header.
    host = (headers:get(":authority")),
  }
end

-- `is_cut`: the body is shorter than the headers say. lua-http closes the connection after such an answer.
local function send(stream, answer, is_cut)
  local headers = new_headers()
  headers:append(":status", tostring(answer.status))
  for name, value in pairs(answer.headers) do headers:append(name, value) end
  local ends = not is_cut and answer.body == ""
  if stream:write_headers(headers, ends, WRITE_TIMEOUT) and not ends then
    stream:write_chunk(answer.body, not is_cut, WRITE_TIMEOUT)
  end
end

-- lua-http cannot answer a request line that it could not read, so this writes to the connection itself.
local function send_before_headers(connection, answer)
  connection:write_status_line(1.1, tostring(answer.status), "Bad Request", 0)
  for name, value in pairs(answer.headers) do connection:write_header(name, value, 0) end
  connection:write_headers_done(WRITE_TIMEOUT)
  connection:write_body_plain(answer.body, WRITE_TIMEOUT)
end

-- Reads what the client still sends. Closing a connection with unread bytes resets it, and the client may lose the
-- answer.
local function discard(socket)
  local deadline, left = cqueues.monotime() + DISCARD_TIMEOUT, MAX_DISCARDED
  socket:shutdown("w")
  socket:clearerr("r")
  while left > 0 do
    local bytes = socket:xread(-65536, "b", deadline - cqueues.monotime())
    if not bytes then break end
    left = left - #bytes
  end
end

-- Waits until all earlier requests of the connection are answered. Returns false when one of them has closed it.
local function await_turn(stream)
  while stream.state ~= "closed" and stream.connection.pipeline:peek() ~= stream do stream.pipeline_cond:wait() end
  return stream.state ~= "closed"
end

-- Closes the stream and its connection, after sending `answer` if there is one. lua-http's own way would read the
-- request to its end and answer it.
local function abandon(stream, answer)
  local connection = stream.connection
  if not await_turn(stream) then return end
  if answer and connection.socket then
    if stream.state == "idle" then send_before_headers(connection, answer) else send(stream, answer) end
    discard(connection.socket)
  end
  if stream.state ~= "closed" then stream:set_state("closed") end
  -- The server looks for the next request of the connection, and must not find a closed socket. So take it away first.
  local socket = connection:take_socket()
  if socket then socket:close() end
end

-- Waits for some seconds, or without `seconds` forever. Returns false when the client goes away meanwhile.
local function outlast(stream, seconds)
  local socket = stream.connection.socket
  local deadline = seconds and cqueues.monotime() + seconds
  while true do
    local left = deadline and deadline - cqueues.monotime()
    if left and left <= 0 then return true end
    cqueues.poll({ pollfd = socket:pollfd(), events = "r" }, left)
    -- What can be read is the next request or the end of the connection.
    local more, _, code = socket:fill(socket:pending() + 1, 0)
    if not more and code ~= errno.ETIMEDOUT then return false end
  end
end

-- Calls `respond`, and turns an error of ours into a 500.
local function answer_to(respond, report, request)
  local done, answer = xpcall(function() return respond(request) end, debug.traceback)
  if done then return answer end
  report(answer)
  return refusal(500, "Server Error")
end

--- Reads the request of a stream and answers it, or does to the connection what a fault says.
-- @param stream of lua-http, from a server of HTTP/1.1
-- @tparam function respond function(request) → answer, both as of `Box:handle`; the request also has its `host`
-- @tparam function report function(text), called with an error in `respond`; the client gets a 500
function exchange.run(stream, respond, report)
  local read, request, refused = yieldable_pcall(read_request, stream)
  if not read then
    -- lua-http raises at some malformed headers.
    request, refused = nil, refusal(400, "Malformed request")
  end
  if not request then return abandon(stream, refused) end
  if not await_turn(stream) then return end
  local answer = answer_to(respond, report, request)
  local what = answer.fault and answer.fault.what
  if what == "stall" then
    if not outlast(stream, answer.fault.seconds) then return abandon(stream) end
    if answer.resume then answer = answer_to(answer.resume, report) end
  end
  if not answer.status then return abandon(stream) end
  send(stream, answer, what == "truncate")
end

return exchange
