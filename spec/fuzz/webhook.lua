--- Webhooks, whatever comes: nothing raises, only the right signature is right, and what is parsed is a booking. The
-- first byte chooses: a signature and a body, separated by the first line end; a right signature that is changed in one
-- place; or a body alone.
local bytes = require "spec.fuzz.bytes"
local core = require "timekit.core"
local request = require "timekit.http.request"
local webhook = require "timekit.webhook"

local SECRET = "whsec_1"

local function sign(body)
  return (core.hmac_sha256(SECRET, body):gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

local function verify(body, signature)
  local good, reason = webhook.verify(body, signature, SECRET)
  assert(good == (signature:lower() == sign(body)))
  assert(good or type(reason) == "string" and not reason:find("%c"), reason)
  return good
end

local function parse(body)
  local handle, booking = webhook.parse(body)
  if not handle then
    assert(booking.kind == "response" and booking.sent == "no" and #tostring(booking) < 1000)
    assert(not tostring(booking):find("%c"))
    return
  end
  assert(request.segment(handle.id) and handle.id == booking.id)
  assert(type(handle.graph) == "string" and type(handle.state) == "string")
  assert(handle.graph == booking.graph and handle.state == booking.state)
  assert(handle.is_test == (booking.isTest == true))
  assert(handle.completed == nil or type(handle.completed) == "boolean")
  assert(tostring(handle):sub(1, 15) == "timekit.booking")
end

return function(input)
  local b = bytes.reader(input)
  local kind = b:byte() % 3
  if kind == 0 then
    local signature, body = b:rest():match("^([^\n]*)\n?(.*)$")
    verify(body, signature)
  elseif kind == 1 then
    local at, char = b:byte() % 65 + 1, string.char(b:byte())
    local body = b:rest()
    local signature = sign(body)
    assert(verify(body, signature))
    verify(body, signature:sub(1, at - 1) .. char .. signature:sub(at + 1))
    assert(not verify(body .. char, signature))
  else
    parse(b:rest())
  end
end
