--- Connecting ahead of the first request.
-- What it adds to a client is documented there, as a method of `Client`.
-- @module timekit.methods.connect

local loading = require "timekit.loading"
local options = require "timekit.options"
local request = require "timekit.http.request"

local connect = {}

-- Adds the method to the class of clients.
-- @tparam table Client the class
-- @tparam function check function(client, where, level): raises on a wrong or closed client
function connect.install(Client, check)
  --- @type Client

  --- Makes a connection for later, so that the name lookup, the connection and the TLS handshake are done before the
  -- first action, which then takes one round trip. Call it where a pause hurts less than later: before a game's first
  -- frame, or when a worker starts. Modules of the library that are not loaded yet are loaded, too.
  --
  -- It sends a HEAD of the `base_url` without the key, and any status is a success. The client's `headers` go along,
  -- since a gateway may want them. The client keeps the connection for 20 seconds, unless the server closes it earlier.
  -- If there is an idle one already, the HEAD goes over it. The try counts for the client's `rate`. Hooks see it. It is
  -- repeated like a read.
  --
  -- Raises on wrong options and on a closed client.
  -- @tparam ?PlainOptions opts
  -- @tparam ?number opts.timeout seconds for all of it, retries and waits included
  -- @tparam ?string opts.traceparent a trace context to pass on
  -- @tparam ?{[string]=string} opts.headers further headers of this request, as of `timekit.new`
  -- @treturn boolean|nil true; nil on failure
  -- @treturn Info|Error `info` as in `Booking:action`, or the error: `network`, `timeout`, `response` (the answer is
  --   not HTTP), `rate_limited` (by the client's own `rate`), `cancelled`, `phase`
  -- @usage
  -- local tk = timekit.new { app_key = key }
  -- tk:start(function() return tk:connect() end)
  function Client:connect(opts)
    local where = "client:connect"
    check(self, where, 3)
    local given = options.check(opts, options.plain, where, 3)
    loading.rest()
    local head = { method = "HEAD", route = "/", target = "/", authorize = false }
    local connected, info = self.runner:run {
      request = request.with_options(head, given), expects = "any_status", timeout = given.timeout,
    }
    return connected, info
  end
end

return connect
