--- Checks tables of options, and gathers those of a client from arguments and environment.
-- A wrong option is a programming mistake and raises. `level` says whom to blame, as in Lua's `error`: 2 is the caller
-- of the function that takes it. Values are never repeated in a message: they can hold a key.
-- @module timekit.options

local base_url = require "timekit.http.base_url"
local core = require "timekit.core"
local own_headers = require "timekit.http.own_headers"
local query = require "timekit.http.query"
local runtimes = require "timekit.runtime"
local messages = require "timekit.text.messages"
local web_url = require "timekit.http.web_url"

local options = {}

-- A checker returns the value as it is to be used, or nil and what was expected.

local function is_line(value)
  return type(value) == "string" and value ~= "" and not value:find("%c")
end

local function line(value)
  if is_line(value) then return value end
  if type(value) ~= "string" then return nil, "expected a string, got " .. messages.describe(value) end
  return nil, "expected a text without control characters, and not an empty one"
end

-- HTTP takes blanks at the ends of a header's value away.
local function header_value(value)
  local good, expected = line(value)
  if good and good:find("^ ") or good and good:find(" $") then return nil, "expected no blanks at its ends" end
  return good, expected
end

local function seconds(value)
  if type(value) ~= "number" then return nil, "expected a number of seconds, got " .. messages.describe(value) end
  -- A thousand years; beyond it clocks in C overflow. NaN fails every comparison.
  if value > 0 and value <= 3.2e10 then return value end
  return nil, "expected a positive, finite number of seconds, got " .. tostring(value)
end

local function boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "expected true or false, got " .. messages.describe(value)
end

local function bytes(value)
  if type(value) ~= "number" then return nil, "expected a number of bytes, got " .. messages.describe(value) end
  if value >= 1 and value <= 2 ^ 31 and value % 1 == 0 then return value end
  return nil, "expected a whole, positive number of bytes, at most 2 GiB, got " .. tostring(value)
end

-- HTTP's Basic authentication ends the user name at the first colon.
local function user_name(value)
  if is_line(value) and not value:find(":", 1, true) then return value end
  return nil, "expected an e-mail address"
end

-- Where a file of certificates has its first one; before it there may be comments.
local LONGEST_PREAMBLE = 1024 * 1024

-- Told now rather than at the first request, where it would look like the network's fault.
local function certificates(value)
  local good, expected = line(value)
  if not good then return nil, expected end
  local file, problem = io.open(value)
  local text
  if file then
    text, problem = file:read(LONGEST_PREAMBLE)
    file:close()
  end
  if problem then return nil, "expected a file that can be read: " .. problem end
  if text and text:find("%-%-%-%-%-BEGIN [%w ]*CERTIFICATE%-%-%-%-%-") then return value end
  return nil, "expected a file of certificates in the PEM format"
end

local function tries(value)
  if type(value) == "number" and value >= 0 and value <= 1000 and value % 1 == 0 then return value end
  return nil, "expected a whole number from 0 to 1000, got " .. messages.describe(value)
end

local function uncertain(value)
  if value == "reconcile" or value == "report" then return value end
  local expected = "expected 'reconcile' or 'report'"
  return nil, type(value) == "string" and expected or expected .. ", got " .. messages.describe(value)
end

local function hook(value)
  if type(value) == "function" then return value end
  return nil, "expected a function, got " .. messages.describe(value)
end

local RATE = { per_second = true, burst = true }

local function rate(value)
  if type(value) ~= "table" then return nil, "expected a table, got " .. messages.describe(value) end
  for name in pairs(value) do
    if not RATE[name] then
      return nil, ("unknown field %s%s"):format(messages.quote(tostring(name)), messages.hint(name, RATE))
    end
  end
  local per_second = value.per_second
  if type(per_second) ~= "number" or not (per_second > 0 and per_second <= 1e6) then
    return nil, "per_second: expected a positive number, got " .. messages.describe(per_second)
  end
  local burst = value.burst
  if burst == nil then burst = math.max(1, math.ceil(per_second)) end
  if type(burst) ~= "number" or not (burst >= 1 and burst <= 1e6 and burst % 1 == 0) then
    return nil, "burst: expected a whole number from 1, got " .. messages.describe(burst)
  end
  return { per_second = per_second, burst = burst }
end

-- W3C Trace Context, 3.2.2: version 00 has these four fields; later ones may add to them.
local function traceparent(value)
  if type(value) == "string" then
    local version, trace, span, rest = value:match("^(%x%x)%-(%x+)%-(%x+)%-%x%x(.*)$")
    if version and #trace == 32 and #span == 16 and version:lower() ~= "ff" and not value:find("%u")
      and trace:find("[^0]") and span:find("[^0]")
      and (rest == "" or version ~= "00" and rest:find("^%-[%w-]*$")) then
      return value
    end
  end
  return nil, "expected a W3C traceparent, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
end

local function proxy(value)
  if value == "" then return value end
  local good, expected = line(value)
  if not good then return nil, expected end
  local problem = core.proxy_problem(value)
  if problem then return nil, (problem:gsub("^proxy: ", "")) end
  -- libcurl overlooks a slash too many or too few; whoever takes the password out of errors would not find it.
  local slashes = value:match(":(/+)")
  if slashes and slashes ~= "//" then return nil, "expected an http, https or socks URL with two slashes" end
  return value
end

local RUNTIME = { now = true, sleep = true, wait = true }

local function runtime(value)
  if runtimes.NAMES[value] then return value end
  if type(value) == "string" then
    return nil, ("there is no runtime %s%s"):format(messages.quote(value), messages.hint(value, runtimes.NAMES))
  end
  if type(value) ~= "table" then return nil, "expected a name or a table, got " .. messages.describe(value) end
  for name in pairs(RUNTIME) do
    if type(value[name]) ~= "function" then return nil, "expected a runtime, with the function " .. name end
  end
  return value
end

local function concurrency(value)
  if type(value) == "number" and value >= 1 and value <= 10000 and value % 1 == 0 then return value end
  return nil, "expected a whole number from 1 to 10000, got " .. messages.describe(value)
end

local function transport(value)
  if type(value) == "table" and type(value.connect) == "function" then return value end
  return nil, "expected a transport: an object with the method connect, such as a sandbox"
end

local function include(value)
  local names = type(value) == "string" and { value } or value
  local expected = "expected a name or a list of names"
  if type(names) ~= "table" then return nil, expected .. ", got " .. messages.describe(value) end
  local count = 0
  for _, name in pairs(names) do
    count = count + 1
    if names[count] == nil or not is_line(name) then return nil, expected end
  end
  return table.concat(names, ",")
end

-- Those of API.md 4; further ones may exist.
local ORDERS = {
  created_at = true, updated_at = true, completed = true, graph = true, state = true,
  ["event.start"] = true, ["event.end"] = true,
}

local function order_by(value)
  local good, expected = line(value)
  local hint = good and not ORDERS[value] and messages.hint(value, ORDERS) or ""
  if hint ~= "" then return nil, "unknown order " .. messages.quote(value) .. hint end
  return good, expected
end

local function sorted_by(value)
  if value == "asc" or value == "desc" then return value end
  return nil, "expected 'asc' or 'desc'"
end

local function whole_from_1(value, most)
  if type(value) == "number" and value >= 1 and value <= most and value % 1 == 0 then return value end
  return nil, ("expected a whole number from 1 to %d, got %s"):format(most, messages.describe(value))
end

local function limit(value) return whole_from_1(value, 100000) end

local function page(value) return whole_from_1(value, 1000000000) end

local function object(value)
  if type(value) == "table" then return value end
  return nil, "expected a table, got " .. messages.describe(value)
end

-- Read as it is sent, without its metamethods.
local function settings(value)
  if type(value) ~= "table" then return nil, "expected a table, got " .. messages.describe(value) end
  for name in next, value do
    if type(name) ~= "string" then return nil, "expected names as keys, got " .. messages.describe(name) end
  end
  if rawget(value, "apply_to_bulked_bookings") ~= nil then
    return nil, "apply_to_bulked_bookings is an option of its own"
  end
  return value
end

local CLIENT = {
  app_key = line, resource_email = user_name, resource_key = line, app = header_value,
  base_url = base_url.check,
  timeout = seconds, connect_timeout = seconds,
  max_response = bytes,
  ca_file = certificates, proxy = proxy, http2 = boolean,
  timezone = header_value, input_timestamp_format = header_value, output_timestamp_format = header_value,
  app_info = line,
  retries = tries, uncertain = uncertain, rate = rate,
  before = hook, after = hook, log_bodies = boolean,
  transport = transport, runtime = runtime,
}

options.action = {
  apply_to_bulked_bookings = boolean, sent_before = boolean, settings = settings, include = include, timeout = seconds,
  traceparent = traceparent,
}
options.bulk_item = { apply_to_bulked_bookings = boolean, settings = settings }
options.bulk_create = {
  relate = boolean, stop_on_first_error = boolean, delete_all_on_error = boolean,
  include = include, timeout = seconds, traceparent = traceparent,
}
options.bulk_update = {
  stop_on_first_error = boolean, reset_all_on_error = boolean,
  include = include, timeout = seconds, traceparent = traceparent,
}
options.batch = { concurrency = concurrency, on_progress = hook, stop_on_error = boolean }
options.read = { include = include, timeout = seconds, traceparent = traceparent }
options.wait = { include = include, timeout = seconds, every = seconds, traceparent = traceparent }
options.plain = { timeout = seconds, traceparent = traceparent }
options.list = {
  search = query.check_search, order_by = order_by, sorted_by = sorted_by, limit = limit, start = line, ["end"] = line,
  include = include, timeout = seconds, traceparent = traceparent,
}
options.page = { page = page }
for name, checker in pairs(options.list) do options.page[name] = checker end
options.list.prefetch = boolean
options.request = {
  query = query.check, body = object, headers = own_headers.check,
  include = include, timeout = seconds, traceparent = traceparent,
}
options.link = { redirect = web_url.check }

local VARIABLES = {
  base_url = "TIMEKIT_BASE_URL",
  app_key = "TIMEKIT_APP_KEY",
  resource_email = "TIMEKIT_RESOURCE_EMAIL", resource_key = "TIMEKIT_RESOURCE_KEY", app = "TIMEKIT_APP",
}
-- As options they bear their own names.
local NAMES = {}
for name in pairs(VARIABLES) do NAMES[name] = name end

--- What `check` returns where no options were given.
options.NONE = {}

--- Checks a table of options.
-- Raises on an unknown name, naming the nearest known one, and on a wrong value.
-- @tparam ?table given the options, left as they are; nil: none
-- @tparam table checkers name → function(value) that returns the value to use, or nil and what was expected
-- @tparam string where the function that took the options, for messages
-- @tparam integer level whom to blame
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
    local good, expected = checker(value)
    if good == nil then error(("%s: %s: %s"):format(where, name, expected), level) end
    checked[name] = good
  end
  return checked
end

-- An empty variable counts as not set, as shells have it.
local function from_environment(name, where, level)
  local variable = VARIABLES[name]
  local value = os.getenv(variable)
  if value == nil or value == "" then return nil end
  local good, expected = CLIENT[name](value)
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

--- Checks a client's options without asking for credentials.
-- @tparam ?table given see `timekit.new`
-- @tparam string where for messages
-- @tparam integer level whom to blame
-- @treturn table a copy
function options.client(given, where, level)
  local checked = options.check(given, CLIENT, where, level + 1)
  check_credentials(checked, NAMES, where, level + 1)
  return checked
end

--- Completes a client's options from the environment, and with defaults.
-- A key comes with its companions: when `app_key`, `resource_email` or `resource_key` is given, the environment is
-- asked for none of them, nor for `app`.
-- @tparam table checked what `options.client` returned; left as it is
-- @tparam string where for messages
-- @tparam integer level whom to blame
-- @treturn table the complete options, credentials among them
function options.complete(checked, where, level)
  local complete = {
    timeout = 30, connect_timeout = 10, max_response = 8 * 1024 * 1024, http2 = false,
    retries = 2, uncertain = "reconcile", log_bodies = false,
  }
  for name, value in pairs(checked) do complete[name] = value end
  if not complete.base_url then
    complete.base_url = from_environment("base_url", where, level + 1) or base_url.DEFAULT
  end
  if not (complete.app_key or complete.resource_key) then
    for _, name in ipairs { "app_key", "resource_email", "resource_key", "app" } do
      complete[name] = complete[name] or from_environment(name, where, level + 1)
    end
    check_credentials(complete, VARIABLES, where, level + 1)
  end
  -- A transport of one's own, a sandbox as a rule, may take any key.
  if not (complete.app_key or complete.resource_key or complete.transport) then
    error(where .. ": no key: set the environment variable TIMEKIT_APP_KEY, or give the option app_key"
      .. " (or resource_email, resource_key and app)", level)
  end
  return complete
end

return options
