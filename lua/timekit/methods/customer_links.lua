--- The links that Timekit offers to a booking's customer (spec/api.md 5).
-- What it adds to a handle is documented there, as a method of `Booking`.
-- @module timekit.methods.customer_links

local Error = require "timekit.error"
local fields = require "timekit.text.fields"
local options = require "timekit.options"
local url = require "timekit.http.url"

local customer_links = {}

-- Reads `customer_action_links`: an object action → URL. Nothing, `null` and an empty list, which is how PHP writes an
-- empty object, hold no links. Pure.
-- @tparam any value as decoded from an answer
-- @treturn table|nil action → URL, empty where there are none; nil for any other shape
function customer_links.read(value)
  if fields.given(value) == nil then return {} end
  if type(value) ~= "table" then return nil end
  local links = {}
  for action, link in pairs(value) do
    if type(action) ~= "string" then return nil end
    if fields.given(link) ~= nil then
      if not url.web(link) then return nil end
      links[action] = link
    end
  end
  return links
end

-- Adds the method to the class of handles.
-- @tparam table Booking the class
-- @tparam table tools what `timekit.booking` has for all of its methods: `check` and `read`
function customer_links.install(Booking, tools)
  --- @type Booking

  --- Asks Timekit for the links that it offers to the booking's customer: `cancel_by_customer` and
  -- `reschedule_by_customer` where these are possible (spec/api.md 5). One read, `include=customer_action_links`.
  -- Raises on a wrong option and on a closed client.
  -- @tparam ?PlainOptions opts as for `Client:connect`
  -- @treturn {[string]=string}|nil action → URL, empty where Timekit offers none; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action`, or the error as in `Booking:get`; `response` also for links in
  --   another shape than action → URL
  -- @usage
  -- local links = assert(tk:booking(id):customer_links())
  -- print(links.cancel_by_customer)
  function Booking:customer_links(opts)
    local where = "booking:customer_links"
    tools.check(self, where, 3)
    local given = options.check(opts, options.plain, where, 3)
    local booking, info = tools.read(self, {
      include = "customer_action_links",
      timeout = given.timeout, traceparent = given.traceparent, headers = given.headers,
    })
    if not booking then return nil, info end
    local links = customer_links.read(booking.customer_action_links)
    if links then return links, info end
    return nil, Error.answered(info, {
      kind = "response", message = "the answer's customer_action_links are not an object action to URL",
      graph = self.graph, state = self.state,
    })
  end

  --- @section end
end

return customer_links
