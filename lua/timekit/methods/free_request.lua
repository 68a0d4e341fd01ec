--- A request of your own, for what the API has and this module does not know.
-- What it adds to a client is documented there, as a method of `Client`.
-- @module timekit.methods.free_request

local Error = require "timekit.error"
local options = require "timekit.options"
local url = require "timekit.http.url"
local request = require "timekit.http.request"
local messages = require "timekit.text.messages"

local free_request = {}

local METHODS = { GET = true, POST = true, PUT = true, PATCH = true, DELETE = true }

local function check_arguments(method, path, given, where, level)
  if not METHODS[method] then
    local expected = "expected GET, POST, PUT, PATCH or DELETE, got "
    error(("%s: method: %s%s"):format(
      where, expected, type(method) == "string" and messages.quote(method) or messages.describe(method)), level + 1)
  end
  local good, expected = url.path(path)
  if not good then error(("%s: path: %s"):format(where, expected), level + 1) end
  if method == "GET" and given.body then error(where .. ": body: a GET has none", level + 1) end
  for _, pair in ipairs(given.query or {}) do
    if pair[1] == "include" and given.include then
      error(where .. ": query: include is an option of its own", level + 1)
    end
  end
  return good
end

-- Adds the method to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function free_request.install(Client, check)
  --- @type Client

  --- Sends any request to the API, with the same key, limits, retries and errors as everything else.
  -- A GET is repeated like any read. Any other method is repeated only where the request surely had no effect. If it
  -- may have had one the error is `uncertain`, and nothing is read to find out: this module does not know what the
  -- request does. No rule of a graph applies.
  --
  -- Raises on wrong use: an unknown method; a path with `..`, a query, an empty segment or control characters, or one
  -- that does not begin with one slash; a header that is the client's own (`Authorization`, `Host`, …) or has line
  -- ends; headers of more than 16 KiB; a body that JSON cannot express; a wrong option; a closed client.
  -- @tparam "GET"|"POST"|"PUT"|"PATCH"|"DELETE" method `GET`, `POST`, `PUT`, `PATCH` or `DELETE`
  -- @tparam string path below the client's `base_url`, such as `/resources`; what cannot stand in a path is
  --   percent-encoded
  -- @tparam ?RequestOptions opts left as it is
  -- @tparam ?table opts.query name → text, number, boolean or a list of these; encoded
  -- @tparam ?table opts.body sent as JSON; an empty list is `timekit.array {}`
  -- @tparam ?{[string]=string} opts.headers name → value; they replace those of the client, such as `Timekit-Timezone`
  -- @tparam ?string|{string,...} opts.include a name or a list of names to include in the answer
  -- @tparam ?number opts.timeout seconds for all of it, retries and waits included
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @treturn any what the answer holds under `data`, or the whole answer where it has none; `timekit.null` for one
  --   without content (a 204, or an empty one to a DELETE); nil on failure only
  -- @treturn Info|Error `info` as in `Booking:action`, with `envelope`: what stood beside `data`, such as `total`; or
  --   the error: `input` (a body over 1 MiB, a path and query over 64 KiB), `auth`, `not_found`, `transition`,
  --   `validation`, `rate_limited`, `network`, `timeout`, `cancelled`, `phase`; of a GET also `server` and `response`,
  --   of anything else `uncertain`
  -- @usage
  -- local resources, info = assert(tk:request("GET", "/resources", { query = { limit = 10 } }))
  -- print(#resources, info.envelope.total)
  function Client:request(method, path, opts)
    local where = "client:request"
    check(self, where, 3)
    local given = options.check(opts, options.request, where, 3)
    local target = check_arguments(method, path, given, where, 2)
    local built, problem, reason = request.any(method, target, given)
    if not built then
      if reason == "type" then error(where .. ": " .. problem, 2) end
      return nil, Error.unsent { kind = "input", message = problem }
    end
    local answer, info = self.runner:run {
      request = request.with_options(built, given),
      expects = method == "DELETE" and "deleted" or "anything", writes = method ~= "GET",
      effect = ("%s %s took effect"):format(method, target), timeout = given.timeout,
    }
    if not answer then return nil, info end
    info.envelope = answer.envelope
    return answer.data, info
  end
end

return free_request
