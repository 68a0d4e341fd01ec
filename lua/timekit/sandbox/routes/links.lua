--- Action links: one action on one booking by one click, without a key (spec/api.md 5).
-- The server's side of `timekit.link`. Anyone can use a link, so it checks everything.
-- @module timekit.sandbox.routes.links
local ascii = require "timekit.text.ascii"
local jwt = require "timekit.signing.jwt"
local url = require "timekit.http.url"
local flow = require "timekit.sandbox.model.flow"
local replies = require "timekit.sandbox.routes.replies"

local links = {}

-- Did one of the keys sign exactly this action on this booking?
local function is_signed(keys, signature, id, action)
  local token = jwt.parse(signature)
  if not token or token.claims.booking_id ~= id or token.claims.action ~= action then return false end
  return keys.any_signed(function(sign) return (jwt.check(token, sign)) end)
end

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function page(status, title, text, headers)
  headers = headers or {}
  -- The page's address holds the signature, which must not reach the next site.
  headers["referrer-policy"] = "no-referrer"
  title, text = title:gsub("[&<>\"']", ENTITIES), text:gsub("[&<>\"']", ENTITIES)
  return { status = status, headers = headers, page = ([[
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title></head>
<body><h1>%s</h1><p>%s</p></body>
</html>
]]):format(title, title, text) }
end

local function refused(status, text, headers)
  return page(status, "This link does not work", text, headers)
end

-- The address to send a browser to, encoded for a header; nil when it is not http or https with a host.
local function location(redirect)
  if redirect:find("[%z\1-\31\127\\]") then return nil end
  local encoded = redirect:gsub("[^A-Za-z0-9%-._~:/?#%[%]@!$&'()*+,;=%%]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end)
  return url.web(encoded) and encoded:gsub("^[A-Za-z]+", ascii.lower)
end

--- Handles `GET /bookings/{id}/external_action/{action}?signature=…&redirect=…`.
-- Answers pages for people. 200, or 302 to the redirect: the action was performed. 403: no key of the box signed this
-- action on this booking. 422: the redirect is not http or https or holds credentials, or the action is not possible in
-- the booking's state, as after the first click. HEAD performs nothing.
-- @tparam table request see `timekit.sandbox.engine`
-- @treturn table reply
function links.follow(request)
  local id, action, redirect = request.params.id, request.params.action, request.query.redirect
  if request.method ~= "GET" then
    return replies.error(405, "Method not allowed", { allow = "GET" })
  end
  if not is_signed(request.store.keys, request.query.signature or "", id, action) then
    return refused(403, "Its signature is missing or wrong. Please use the link exactly as you received it.")
  end
  local target = redirect and location(redirect)
  if redirect and not target then
    return refused(422, "The address that it leads to afterwards is not one of the web. Nothing was changed.")
  end
  local booking = request.store:find(id)
  if not booking then return refused(404, "The booking does not exist any more.") end
  if not flow.can(booking, action) then
    return refused(422, ("It was used already, or is no longer possible: the booking is '%s'."):format(booking.state))
  end
  flow.act(request.store, booking, action, request.now, "link")
  flow.replicate(request.store, booking, action, request.now)
  local text = ("The booking is now '%s'."):format(booking.state)
  if target then return page(302, "Done", text, { location = target }) end
  return page(200, "Done", text)
end

return links
