--- Action links, whatever they are: nothing raises, and only what was signed with the key, for the booking and the
-- action that the link names, is believed. The first byte chooses: any text; a link whose token is built from the
-- bytes, signed with the key or not; a good link that is changed in one place; or JSON that is to hold a customer's
-- links.
local base64 = require "timekit.signing.base64"
local bytes = require "spec.fuzz.bytes"
local core = require "timekit.core"
local customer_links = require "timekit.methods.customer_links"
local link = require "timekit.link"
local request = require "timekit.http.request"
local urls = require "timekit.http.url"

local KEY = "test_api_key_1"

local function sign(text) return core.hmac_sha256(KEY, text) end

local function is_reason(text)
  assert(type(text) == "string" and text ~= "" and not text:find("%c"), text)
end

-- Checks that both functions agree on what a link is, and that their results make sense. True if it is signed.
local function check(url)
  local found, problem = link.parse(url)
  local good, parts = link.verify(url, KEY)
  if not found then
    is_reason(problem)
    assert(good == false and parts == problem)
    return false
  end
  assert(request.segment(found.booking_id) and request.segment(found.action))
  assert(type(found.header) == "table" and type(found.claims) == "table")
  assert(found.redirect == nil or urls.web(found.redirect) == found.redirect)
  if not good then
    is_reason(parts)
    return false
  end
  assert(found.header.alg == "HS256" and found.header.crit == nil)
  assert(found.claims.booking_id == found.booking_id and found.claims.action == found.action)
  return true
end

local HEADERS = { '{"alg":"HS256","typ":"JWT"}', '{"alg":"none"}', '{"alg":"HS512"}', '{"alg":"HS256","crit":[]}' }
local CLAIMS = {
  '{"booking_id":"b1","action":"cancel"}', '{"booking_id":"b1"}', '{"booking_id":"b2","action":"cancel"}',
}

local function built(b)
  local header = b:byte() % 2 == 0 and b:pick(HEADERS) or b:string()
  local claims = b:byte() % 2 == 0 and b:pick(CLAIMS) or b:string()
  local head = base64.encode_url(header) .. "." .. base64.encode_url(claims)
  local signature = sign(head)
  local is_signed = b:byte() % 2 == 0
  if not is_signed then signature = b:take(32) end
  local good = check("/bookings/b1/external_action/cancel?signature=" .. head .. "." .. base64.encode_url(signature)
    .. b:rest())
  assert(is_signed or not good)
end

local function made_and_changed(b)
  local id, action, redirect = b:string(), b:string(), b:string()
  if not request.segment(id) then id = "b1" end
  if not request.segment(action) then action = "cancel" end
  redirect = urls.web("https://example.com/" .. redirect)
  local url = link.make({ base_url = "https://x/v2", booking_id = id, action = action, redirect = redirect }, sign)
  -- Text that is not UTF-8 cannot be signed.
  if not url then return end
  assert(check(url))
  local found = link.parse(url)
  assert(found.booking_id == id and found.action == action and found.redirect == redirect)
  local first, last = #"https://x/v2/bookings/" + 1, #(url:match("^[^&]*"))
  local at = first + (b:byte() * 256 + b:byte()) % (last - first + 1)
  local char = string.char(b:byte())
  local changed = url:sub(1, at - 1) .. char .. url:sub(at + 1)
  -- A name stays the same where only its way of being written changes, as in %41 for A and %4a for %4A.
  if check(changed) then
    local again = link.parse(changed)
    assert(again.booking_id == id and again.action == action and again.claims.action == action)
  end
end

return function(input)
  local b = bytes.reader(input)
  local kind = b:byte() % 4
  if kind == 0 then
    check(b:rest())
  elseif kind == 1 then
    built(b)
  elseif kind == 2 then
    made_and_changed(b)
  else
    for action, url in pairs(customer_links.read(core.decode(b:rest())) or {}) do
      assert(type(action) == "string" and urls.web(url))
    end
  end
end
