--- Checks tables of options, and gathers those of a client from arguments and environment.
-- A wrong option is a programming mistake and raises. Values are never repeated in a message: they can hold a key.
--
-- `level` is the caller to blame, as for Lua's `error`: 2 is the caller of the function that takes it. A function that
-- calls another with `level + 1` has to stay on the stack. So public methods end with `local a, b = f() return a, b`:
-- the tail call `return f()` would take their own frame away, and a wrong line would be blamed.
-- @module timekit.options

local core = require "timekit.core"
local headers = require "timekit.http.headers"
local messages = require "timekit.text.messages"
local url = require "timekit.http.url"
local values = require "timekit.options.values"

local options = {}

local function allows_http(given)
  -- What is neither true nor false is refused as allow_http, not as a base URL.
  if given.allow_http ~= nil then return given.allow_http ~= false end
  return values.boolean_of(os.getenv("TIMEKIT_ALLOW_HTTP") or "") == true
end

local function base_url(value, given)
  return url.base(value, allows_http(given))
end

-- Name → checker, see `timekit.options.values`. A checker also gets all the options that were given.
local CLIENT = {
  app_key = values.line, resource_email = values.user_name, resource_key = values.line, app = values.header_value,
  base_url = base_url, allow_http = values.boolean, headers = headers.check,
  timeout = values.seconds, connect_timeout = values.seconds,
  max_response = values.bytes,
  ca_file = values.certificates, proxy = values.proxy, http2 = values.boolean,
  cert_file = values.certificates, key_file = values.private_key, key_password = values.line,
  timezone = values.header_value,
  input_timestamp_format = values.header_value, output_timestamp_format = values.header_value,
  app_info = values.line,
  retries = values.tries, uncertain = values.uncertain, rate = values.rate,
  before = values.hook, after = values.hook, log_bodies = values.boolean,
  transport = values.transport, runtime = values.runtime,
}

-- Few programs search, or send requests of their own.
local function check_search(value) return require("timekit.http.query").check_search(value) end
local function check_query(value) return require("timekit.http.query").check(value) end

-- Adds the checkers of the options that every request has.
local function of_request(checkers)
  checkers.timeout, checkers.traceparent, checkers.headers = values.seconds, values.traceparent, headers.check
  return checkers
end

options.plain = of_request {}
options.read = of_request { include = values.include }
options.wait = of_request { include = values.include, every = values.seconds }
options.action = of_request {
  apply_to_bulked_bookings = values.boolean, sent_before = values.boolean, settings = values.settings,
  include = values.include,
}
options.bulk_item = { apply_to_bulked_bookings = values.boolean, settings = values.settings }
options.bulk_create = of_request {
  relate = values.boolean, stop_on_first_error = values.boolean, delete_all_on_error = values.boolean,
  include = values.include,
}
options.bulk_update = of_request {
  stop_on_first_error = values.boolean, reset_all_on_error = values.boolean, include = values.include,
}
options.batch = { concurrency = values.concurrency, on_progress = values.hook, stop_on_error = values.boolean }
options.list = of_request {
  search = check_search, order_by = values.order_by, sorted_by = values.sorted_by, limit = values.limit,
  start = values.moment, ["end"] = values.moment, include = values.include,
}
options.page = { page = values.page }
for name, checker in pairs(options.list) do options.page[name] = checker end
options.list.prefetch = values.boolean
options.request = of_request {
  query = check_query, body = values.object, include = values.include,
}
options.link = { redirect = url.web }
options.queue = {
  redis = values.redis, name = values.key_name, keep = values.seconds, most = values.count, durable = values.boolean,
  ca_file = values.certificates,
}
options.queue_add = {
  key = values.key_name, id = values.key_name, priority = values.priority, options = values.object, at = values.time,
}
options.queue_work = {
  concurrency = values.concurrency, stop = values.hook, on_job = values.hook, on_trouble = values.hook,
}

local VARIABLES = {
  base_url = "TIMEKIT_BASE_URL", allow_http = "TIMEKIT_ALLOW_HTTP",
  app_key = "TIMEKIT_APP_KEY",
  resource_email = "TIMEKIT_RESOURCE_EMAIL", resource_key = "TIMEKIT_RESOURCE_KEY", app = "TIMEKIT_APP",
  timeout = "TIMEKIT_TIMEOUT", ca_file = "TIMEKIT_CA_FILE", proxy = "TIMEKIT_PROXY",
}
-- Checkers of variables whose options are not strings.
local OF_TEXT = { allow_http = values.boolean_of, timeout = values.seconds_of }

-- How messages name the credentials when they were given as options.
local NAMES = {}
for name in pairs(VARIABLES) do NAMES[name] = name end

--- The checkers of single values.
options.values = values

--- What `check` returns where no options were given.
options.NONE = {}

--- Checks a table of options.
-- Raises on an unknown name, naming the nearest known one, and on a wrong value.
-- @tparam ?table given the options, left as they are; nil: none
-- @tparam table checkers name → function(value) that returns the value to use, or nil and what was expected
-- @tparam string where the function that took the options, for messages
-- @tparam integer level the caller to blame
-- @treturn table name → value to use; not to be changed
function options.check(given, checkers, where, level)
  if given == nil then return options.NONE end
  if type(given) ~= "table" then
    error(("%s: expected a table of options, got %s"):format(where, messages.describe(given)), level)
  end
  local checked = {}
  for name, value in pairs(given) do
    local checker = checkers[name]
    if not checker then
      error(("%s: unknown option %s%s"):format(where, messages.quote(name), messages.hint(name, checkers)), level)
    end
    local good, expected = checker(value, given)
    if good == nil then error(("%s: %s: %s"):format(where, name, expected), level) end
    checked[name] = good
  end
  return checked
end

-- An empty variable counts as not set, as in shells.
local function from_environment(name, where, level, given)
  local variable = VARIABLES[name]
  local value = os.getenv(variable)
  if value == nil or value == "" then return nil end
  local good, expected = (OF_TEXT[name] or CLIENT[name])(value, given)
  if good == nil then error(("%s: environment variable %s: %s"):format(where, variable, expected), level) end
  return good
end

-- `names` are those under which the user gave the credentials.
local function check_credentials(found, names, where, level)
  local lone = found.resource_email and "resource_email" or found.resource_key and "resource_key"
  if not lone then return end
  if found.app_key then
    error(("%s: %s and %s exclude each other"):format(where, names.app_key, names[lone]), level)
  end
  for _, name in ipairs { "resource_email", "resource_key", "app" } do
    if not found[name] then
      error(("%s: %s needs %s as well"):format(where, names[lone], names[name]), level)
    end
  end
end

-- A certificate comes with its key.
local function check_certificate(found, where, level)
  for _, name in ipairs { "key_file", "key_password" } do
    if found[name] and not found.cert_file then error(("%s: %s needs cert_file as well"):format(where, name), level) end
  end
  if found.cert_file and not found.key_file and not values.private_key(found.cert_file) then
    error(where .. ": cert_file: the file holds no private key: key_file is needed as well", level)
  end
end

-- Reads the certificates and the key once, now: the files may be out of reach later, in a chroot say, and a frame of a
-- game should not pay for them.
local function read_tls(settings, where, level)
  local is_read, tls = pcall(core.tls, {
    ca_file = settings.ca_file, cert_file = settings.cert_file, key_file = settings.key_file,
    key_password = settings.key_password,
  })
  if not is_read then error(("%s: %s"):format(where, tls), level) end
  return tls
end

--- Checks a client's options without asking for credentials.
-- @tparam ?table given see `timekit.new`
-- @tparam string where for messages
-- @tparam integer level the caller to blame
-- @treturn table a copy
function options.client(given, where, level)
  local checked = options.check(given, CLIENT, where, level + 1)
  check_credentials(checked, NAMES, where, level + 1)
  check_certificate(checked, where, level + 1)
  if (checked.ca_file or checked.cert_file) and not checked.transport then read_tls(checked, where, level + 1) end
  return checked
end

local DEFAULTS = {
  base_url = url.DEFAULT, allow_http = false,
  timeout = 30, connect_timeout = 10, max_response = 8 * 1024 * 1024, http2 = false,
  retries = 2, uncertain = "reconcile", log_bodies = false,
}

--- Completes a client's options from the environment, and with defaults.
-- Credentials are not mixed: when `app_key`, `resource_email` or `resource_key` is given, the environment is not asked
-- for any of them, nor for `app`.
-- @tparam table checked what `options.client` returned; left as it is
-- @tparam string where for messages
-- @tparam integer level the caller to blame
-- @treturn table the complete options, credentials among them
function options.complete(checked, where, level)
  local complete = {}
  for name, value in pairs(checked) do complete[name] = value end
  -- allow_http comes first, since the check of the base URL depends on it.
  for _, name in ipairs { "allow_http", "base_url", "timeout", "ca_file", "proxy" } do
    if complete[name] == nil then complete[name] = from_environment(name, where, level + 1, complete) end
  end
  for name, value in pairs(DEFAULTS) do
    if complete[name] == nil then complete[name] = value end
  end
  if not (complete.app_key or complete.resource_key) then
    for _, name in ipairs { "app_key", "resource_email", "resource_key", "app" } do
      complete[name] = complete[name] or from_environment(name, where, level + 1)
    end
    check_credentials(complete, VARIABLES, where, level + 1)
  end
  -- A transport of the caller's own may take any key; a sandbox does.
  if not (complete.app_key or complete.resource_key or complete.transport) then
    error(where .. ": no key: set the environment variable TIMEKIT_APP_KEY, or give the option app_key"
      .. " (or resource_email, resource_key and app)", level)
  end
  local needs_tls = complete.base_url:find("^https:") or complete.ca_file or complete.cert_file
  if needs_tls and not complete.transport then complete.tls = read_tls(complete, where, level + 1) end
  return complete
end

return options
