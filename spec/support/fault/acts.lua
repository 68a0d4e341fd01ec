--- What the fault server does with a request that arrived whole. Each act takes the step planned
-- (spec/support/faults.lua lists its fields), the request, and the protocol's `out`; it returns true
-- when the connection can go on.
local cjson = require "cjson"
local cqueues = require "cqueues"
local payloads = require "spec.support.fault.payloads"

local acts = {}

local function pause()
  cqueues.sleep(0.02)
end

local function body_of(step, request)
  if step.body then return step.body end
  if step.size then return ("x"):rep(step.size) end
  return cjson.encode { id = request.id, connection = request.connection, length = #request.body }
end

--- The normal answer: by default JSON with the request's id, its connection and its body's length.
function acts.answer(step, request, out)
  local body = body_of(step, request)
  local headers = { { "Content-Type", "application/json" } }
  for _, header in ipairs(step.headers or {}) do headers[#headers + 1] = header end
  if step.gzip then
    body = payloads.gzip(body)
    headers[#headers + 1] = { "Content-Encoding", "gzip" }
  end
  if step.seconds then cqueues.sleep(step.seconds) end
  local empty = step.status == 204 or step.status == 304
  out:head(step.status or 200, headers, (not step.chunked or empty) and (empty and 0 or #body))
  if not empty and request.method ~= "HEAD" then out:data(body) end
  out:finish()
  return true
end

--- Ends the connection without an answer: FIN, RST, or a TLS close_notify and no FIN.
function acts.fin(_, _, out) out.wire:fin() end
function acts.reset(_, _, out) out.wire:reset() end
function acts.notify(_, _, out) out.wire:notify() end

--- Headers and half of the body, then the end of the connection (`how`: "fin", "reset").
function acts.truncate(step, _, out)
  out:head(200, { { "Content-Type", "application/json" } }, not step.chunked and 1000)
  if step.size ~= 0 then out:data(("x"):rep(step.size or 500)) end
  local how = step.how or "fin"
  out.wire[how](out.wire)
end

--- A body that goes on for as long as the client reads.
function acts.endless(_, _, out)
  local piece = ("x"):rep(65536)
  local sent = out:head(200)
  while sent do
    cqueues.sleep(0)
    sent = out:data(piece)
  end
end

--- A gzip body of `size` zero bytes once unpacked.
function acts.bomb(step, _, out)
  local body = payloads.bomb(step.size)
  out:head(200, { { "Content-Encoding", "gzip" } }, #body)
  return out:data(body) and out:finish()
end

--- A byte now and then, never all of them.
function acts.drip(_, _, out)
  local sent = out:head(200, nil, 1000000)
  while sent do
    pause()
    sent = out:data("x")
  end
end

--- Headers a byte at a time, never all of them.
function acts.slow_head(_, _, out)
  out:slow_head(pause)
end

--- No answer at all.
function acts.silent(_, _, out)
  out:hold()
end

--- `count` header lines.
function acts.header_flood(step, _, out)
  local headers = {}
  for i = 1, step.count do headers[i] = { "X-Header-" .. i, "value " .. i } end
  return out:head(200, headers, 2) and out:data("{}") and out:finish()
end

function acts.endless_header(_, _, out)
  out:endless_header()
end

--- 1xx answers, `count` of them and then the final one, or without end.
function acts.informational(step, request, out)
  local sent, n = true, 0
  while sent and n ~= step.count do
    n = n + 1
    sent = out:block(step.status or 103, { { "X-Count", n } })
    if not step.count then cqueues.sleep(0) end
  end
  return sent and acts.answer({}, request, out)
end

--- The bytes of `text` for an answer, whatever they are, and the end of the connection.
function acts.raw(step, _, out)
  out.wire:write(step.text)
end

function acts.garbage(_, _, out)
  out:garbage()
  out.wire:fin()
end

--- HTTP/2: RST_STREAM with the error `code`.
function acts.refuse(step, _, out)
  return out:refuse(step.code)
end

--- HTTP/2: GOAWAY with the last stream `last` ("before" ours or "at" ours), then FIN or the answer.
function acts.goaway(step, request, out)
  out:goaway(step.last)
  if step.answer then acts.answer({}, request, out) end
  out.wire:fin()
end

local gathered = {}

--- HTTP/2: waits until `count` requests planned like this are here (or no more come), then refuses
-- those after the first `keep` with a GOAWAY, and answers the others if told so or else closes.
function acts.gather(step, request, out)
  local group = gathered[out.wire] or {}
  gathered[out.wire] = group
  group[#group + 1] = { id = out.id, request = request, out = out }
  local n, deadline = #group, cqueues.monotime() + 0.3
  if n < step.count then
    while #group == n and cqueues.monotime() < deadline do cqueues.sleep(0.02) end
    if #group > n then return end
  end
  gathered[out.wire] = nil
  table.sort(group, function(a, b) return a.id < b.id end)
  out.conn:goaway(step.keep > 0 and group[math.min(step.keep, #group)].id or 0)
  if not step.answer then return out.wire:fin() end
  for i = 1, math.min(step.keep, #group) do acts.answer({}, group[i].request, group[i].out) end
end

return acts
