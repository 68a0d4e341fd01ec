--- Timekit for Lua: performs actions on Timekit bookings, and knows the booking graphs.
--
-- Failures of the world are returned as `nil, err` (see `timekit.error`). Wrong use raises, with the position of the
-- line that is to blame. `timekit.sandbox` is a Timekit in this process for development and tests; it is loaded when it
-- is first asked for.
-- @module timekit
-- @usage
-- local timekit = require "timekit"
-- local booking, err = timekit.booking(id):action("decline", { message = "Fully booked" })
-- if not booking then print(err) end

local core = require "timekit.core"
local graphs = require "timekit.graphs"
local loading = require "timekit.loading"

local client = loading.late "timekit.client"
local default = loading.late "timekit.default"
local handles = loading.late "timekit.booking"
local options = loading.late "timekit.options"

-- What is nil here is loaded when it is first used, see LATER.
local timekit = {
  --- The version of this module.
  version = core.version.timekit,
  --- JSON's null, where Timekit answers with it or is to be sent it.
  null = core.null,
  --- The known graphs by their names, and `graphs.define{…}`. See `timekit.graphs`.
  graphs = graphs,
  --- Action links: `link.parse` and `link.verify`. See `timekit.link`, and `Booking:link`.
  link = nil,
  --- Webhooks: `webhook.verify` and `webhook.parse`. See `timekit.webhook`.
  webhook = nil,
}

--- Marks a table as a JSON array, so that an empty one is sent as `[]` rather than `{}`.
-- OpenResty's lua-cjson has marks of its own: `cjson.empty_array`, `cjson.array_mt` and `cjson.empty_array_mt` are sent
-- as arrays, too, and `cjson.encode` writes the empty arrays of an answer as `[]`. Other versions of lua-cjson have no
-- marks; there `cjson.encode` writes `{}`.
-- Raises when the table has keys other than 1 to n, or another metatable.
-- @function array
-- @tparam ?table list default: a new one
-- @treturn table the same table
-- @usage timekit.array {}
timekit.array = core.array

--- Says whether a value is a JSON array: a table marked by `array`, or an array of an answer.
-- @function is_array
-- @tparam any value
-- @treturn boolean
-- @usage
-- local booking = assert(timekit.booking(id):get { include = "customers" })
-- assert(timekit.is_array(booking.customers))
timekit.is_array = core.is_array

--- Makes a client.
-- An option that is not given is taken from the environment, where it has a variable, and then from the defaults. A
-- wrong or unknown option raises, naming the nearest known one. A client belongs to one Lua state.
-- @tparam ?ClientOptions opts left as it is
-- @tparam ?string opts.app_key the key (`TIMEKIT_APP_KEY`); or the three that follow
-- @tparam ?string opts.resource_email a resource's e-mail address (`TIMEKIT_RESOURCE_EMAIL`)
-- @tparam ?string opts.resource_key its key (`TIMEKIT_RESOURCE_KEY`)
-- @tparam ?string opts.app the app's slug (`TIMEKIT_APP`); needed with a resource's key
-- @tparam ?string opts.base_url `https://api.timekit.io/v2` unless given (`TIMEKIT_BASE_URL`); https, or http to a
--   loopback address: `localhost` and names that end in `.localhost`, 127.0.0.1 and the like, ::1
-- @tparam ?boolean opts.allow_http http to any host (`TIMEKIT_ALLOW_HTTP=1`), false. **Everything, the key included, is
--   then readable and changeable on its way**: it is for private networks only, such as those of containers
-- @tparam ?number opts.timeout seconds for a whole operation, retries and waits included, 30 (`TIMEKIT_TIMEOUT`)
-- @tparam ?number opts.connect_timeout seconds to connect, 10
-- @tparam ?integer opts.retries how many times a request is sent again if it surely had no effect, or if the graph
--   makes a repeat safe, 2
-- @tparam ?"reconcile"|"report" opts.uncertain what to do when an action may or may not have been applied: `reconcile`,
--   the default, reads the booking to find out, and repeats the action where that is safe; `report` does neither, and
--   the error is `uncertain`
-- @tparam ?Rate opts.rate a limit for all requests of the client together, none unless given
-- @tparam number opts.rate.per_second requests per second, in the long run
-- @tparam ?integer opts.rate.burst requests at once, `per_second` rounded up
-- @tparam ?string opts.rate.redis the Redis that keeps the limit for all clients that share it: as in `Client:queue`;
--   `burst` + 60 × `per_second` is at most 600 then, which is what Timekit allows in a minute
-- @tparam ?string opts.rate.name which limit, `"default"` unless given
-- @tparam ?number opts.rate.bulk_share the part of the rate that `Client:batch`, and bulk jobs of a queue, have in any
--   case: 0.1 unless given. Beyond it they leave half of the burst to others
-- @tparam ?string opts.rate.when_lost without Redis: `"share"`, each client uses its part of four fifths of the rate;
--   or `"refuse"`, every request ends as `rate_limited`
-- @tparam ?string opts.rate.ca_file certificates to trust instead of the system's, for `rediss://`
-- @tparam ?number opts.max_response bytes of an answer after decompression, 8 MiB
-- @tparam ?string opts.ca_file a file with certificates to trust instead of the system's (`TIMEKIT_CA_FILE`)
-- @tparam ?string opts.cert_file a file with the client's certificate, in the PEM format, for servers that ask for one
-- @tparam ?string opts.key_file a file with its private key, likewise; left out: the key is in `cert_file`
-- @tparam ?string opts.key_password the key's password, if it is encrypted
-- @tparam ?string opts.proxy a proxy's URL (`TIMEKIT_PROXY`); empty: none; left out: that of `https_proxy` or
--   `all_proxy` in the environment. In its password `/`, `?`, `#` and `@` are percent-encoded
-- @tparam ?{[string]=string} opts.headers name → value: further headers of every request, such as those that a gateway
--   wants. They replace those of the client, but for what only the client may send (`Authorization`, `Host`, …).
--   Methods that send a request have this option as well, for that request. The values of headers whose names say that
--   they are secret (`key`, `token`, `secret`, …) are kept out of errors
-- @tparam ?boolean opts.http2 speak HTTP/2, false: with it more failures stay uncertain
-- @tparam ?string opts.timezone the IANA zone in which Timekit answers
-- @tparam ?string opts.input_timestamp_format the PHP date format of timestamps that are sent (spec/api.md 1)
-- @tparam ?string opts.output_timestamp_format the PHP date format in which Timekit answers
-- @tparam ?string opts.app_info your application, such as `shop/2.1`: appended to the User-Agent
-- @tparam ?fun(try:Try) opts.before called before every try of a request with a table of its own: `method`, `route`,
--   `id`, `graph`, `action`, `attempt`, `reconcile` (boolean: a look into an uncertain outcome). An error in it breaks
--   nothing: `Client:close` raises the first
-- @tparam ?fun(try:Try) opts.after called after every try, likewise, with a copy of that table that also has `status`,
--   `kind` (of the error), `sent`, `elapsed`, `request_id`, and `before_error` if `before` raised one
-- @tparam ?boolean opts.log_bodies `request_body` and `response_body` in those tables, false
-- @tparam ?RuntimeName|Runtime opts.runtime how methods wait: `blocking`, `copas`, `cqueues`, `haproxy`, `luv`, `ngx`,
--   or a table as in `timekit.runtime.reference`; `ngx` in nginx and `blocking` elsewhere unless given
-- @tparam ?transport|Box opts.transport a sandbox, or any object that keeps the contract of
--   `timekit.transport.reference`; no key is needed then, and `test_api_key` is used where there is none
-- @treturn Client see `timekit.client`
-- @usage
-- local tk = timekit.new { app_key = key, timeout = 5 }
-- local booking, info = tk:booking(id):confirm()
-- tk:close()
function timekit.new(opts)
  local checked = options.client(opts, "timekit.new", 3)
  local settings = options.complete(checked, "timekit.new", 3)
  return client.new(settings)
end

--- Sets the options of the default client, which `timekit.booking` uses, and replaces those that were set before.
-- The client is made when it is first needed. Handles of a default client that was used before keep theirs.
-- Raises as `timekit.new` does, but not for a missing key: that raises when the client is first needed.
-- @tparam ClientOptions opts as in `timekit.new`
-- @usage timekit.configure { app_key = key, timeout = 5 }
function timekit.configure(opts)
  default.configure(options.client(opts, "timekit.configure", 3))
end

--- A handle for a booking, on the default client: that of `timekit.configure`, or of the environment
-- (`TIMEKIT_APP_KEY`, …). Nothing is sent.
-- Raises when there is no key, when a variable of the environment is wrong, and as `Client:booking` does.
-- @tparam string|BookingData booking as in `Client:booking`
-- @treturn Booking see `timekit.booking`
-- @usage timekit.booking(id):confirm()
function timekit.booking(booking)
  local tk = default.get("timekit.booking", 3)
  local handle = handles.new(tk, booking, "timekit.booking", 3)
  return handle
end

if not loading.is_script() then loading.rest() end

-- The sandbox is for development and tests, so production code does not load it.
local LATER = { link = "timekit.link", sandbox = "timekit.sandbox", webhook = "timekit.webhook" }

return setmetatable(timekit, {
  __index = function(_, name)
    if LATER[name] then timekit[name] = require(LATER[name]) end
    return rawget(timekit, name)
  end,
})
