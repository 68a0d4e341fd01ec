-- Base URLs and the client's options: what is accepted, what raises, and what the environment gives.
local urls = require "timekit.http.url"
local blame = require "spec.support.blame"
local options = require "timekit.options"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

-- Runs `fn` with an environment of its own.
local function with_environment(variables, fn)
  local getenv = os.getenv
  os.getenv = function(name) return variables[name] end -- luacheck: ignore 122
  local ok, problem = pcall(fn)
  os.getenv = getenv -- luacheck: ignore 122
  assert(ok, problem)
end

local function complete(given)
  local checked = options.client(given, "here", 2)
  return options.complete(checked, "here", 2)
end

describe("a base URL", function()
  it("is taken with its path, without a slash at its end", function()
    assert.equal("https://api.timekit.io/v2", urls.base("https://api.timekit.io/v2"))
    assert.equal("https://api.timekit.io/v2", urls.base("HTTPS://API.timekit.io/v2//"))
    assert.equal("https://api.timekit.io", urls.base("https://api.timekit.io/"))
    assert.equal("https://example.com:8443", urls.base("https://example.com:8443"))
    assert.equal("https://xn--caf-dma.example/a-b/%20", urls.base("https://xn--caf-dma.example/a-b/%20"))
    assert.equal("https://[2001:db8::1]:8443/v2", urls.base("https://[2001:db8::1]:8443/v2"))
  end)

  it("may be http for this machine only", function()
    for _, host in ipairs {
      "127.0.0.1", "127.255.0.9:8808", "127.1", "localhost", "LOCALHOST:1", "app.localhost", "[::1]", "[::1]:8808",
      "[0:0:0:0:0:0:0:1]", "[0000::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    } do
      assert.is_string(urls.base("http://" .. host .. "/v2"))
    end
    for _, host in ipairs {
      "api.timekit.io", "127.0.0.1.example.com", "127.0.0.256", "1127.0.0.1", "10.0.0.1", "[::2]", "0.0.0.0",
      "localhost.", "localhost.example.com", "notlocalhost", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::]",
    } do
      local url, expected = urls.base("http://" .. host .. "/v2")
      assert.is_nil(url)
      assert.matches("https", expected)
    end
  end)

  it("is refused when it is anything else, without being repeated", function()
    for _, url in ipairs {
      "", "api.timekit.io/v2", "ftp://api.timekit.io", "https://", "https:///v2", "//api.timekit.io",
      "https://user@host", "https://user:s3cret@host/v2", "https://host/v2?s3cret=1", "https://host/v2#s3cret",
      "https://host/v2 ", "https://ho st/v2", "https://host/v2\r\nX: s3cret", "https://host\0/v2", "https://host:0/v2",
      "https://host:65536", "https://host:port", "https://host:", "https://host\\@evil", "file:///etc/passwd",
      "http://127.0.0.1@evil.example/", "https://ho\"st", "https://host/v2/{}", "https://host/caf\195\169",
      "https://caf\195\169.example",
    } do
      local good, expected = urls.base(url)
      assert.is_nil(good, url)
      assert.not_matches("s3cret", expected)
    end
    assert.is_nil((urls.base(42)))
    assert.is_nil((urls.base(nil)))
  end)
end)

describe("options", function()
  it("that are unknown raise and name the nearest known one, blamed on the caller", function()
    local message = blame(function() timekit.new { app_key = "k", timeuot = 3 } end)
    assert.equal("timekit.new: unknown option 'timeuot', did you mean 'timeout'?", message)
    message = blame(function() timekit.configure { apikey = "s3cret" } end)
    assert.equal("timekit.configure: unknown option 'apikey', did you mean 'app_key'?", message)
    assert.matches("unknown option '1'", blame(function() timekit.new { "s3cret" } end))
    message = blame(function() timekit.new { app_key = "k", colour = 1 } end)
    assert.equal("timekit.new: unknown option 'colour'", message)
  end)

  it("that are not a table raise", function()
    assert.matches("expected a table of options, got a string", blame(function() timekit.new("s3cret") end))
    assert.matches("expected a table of options, got a number", blame(function() timekit.configure(1) end))
  end)

  it("of a wrong value raise, naming the option and never the value", function()
    local box = scripted.new {}
    for name, values in pairs {
      app_key = { "", 42, true, "s3cret\n", "s3cret\r\nX-Evil: 1", "\0s3cret" },
      base_url = { "http://example.com", "https://u:s3cret@host", 1, "" },
      timeout = { 0, -1, 0 / 0, math.huge, "30", false },
      connect_timeout = { 0, -3, "s3cret" },
      max_response = { 0, -1, 1.5, "8", math.huge, 0 / 0 },
      ca_file = { "", 1, "a\0b", "/nowhere/ca.pem" },
      proxy = { 1, "ftp://u:s3cret@proxy", "http://", "http://s3cret\n" },
      http2 = { 1, "yes" },
      timezone = { "", 1, "Europe/Copenhagen\r\nX: s3cret" },
      input_timestamp_format = { "a\nb" }, output_timestamp_format = { "a\127b" },
      app_info = { "", "shop\n", {} },
      retries = { -1, 1.5, 1001, math.huge, 0 / 0, "2", true, {} },
      uncertain = { "reconsile", "REPORT", "", 1, true, {} },
      rate = {
        10, "s3cret", true, {}, { 10 }, { burst = 5 }, { per_second = 0 }, { per_second = -1 }, { per_second = "10" },
        { per_second = 0 / 0 }, { per_second = math.huge }, { per_second = 10, burst = 0 },
        { per_second = 10, burst = 1.5 }, { per_second = 10, burst = "s3cret" }, { per_second = 10, burst = 0 / 0 },
        { per_second = 10, burst = math.huge }, { per_second = 10, per_minute = 600 },
      },
      before = { 1, "s3cret", true, {} }, after = { 1, "s3cret", true, setmetatable({}, { __call = print }) },
      log_bodies = { 1, "yes", {} },
      transport = { "sandbox", {}, { connect = 1 }, true },
    } do
      for _, value in ipairs(values) do
        local given = { app_key = "k", transport = box, [name] = value }
        local message = blame(function() timekit.new(given) end, name)
        assert.matches("^timekit%.new: " .. name .. ": ", message)
        assert.not_matches("s3cret", message)
      end
    end
  end)

  it("say what was expected instead", function()
    local function message(given)
      given.app_key = "k"
      return blame(function() timekit.new(given) end)
    end
    assert.equal("timekit.new: uncertain: expected 'reconcile' or 'report', got a number", message { uncertain = 1 })
    assert.matches("retries: expected a whole number from 0", message { retries = -1 }, 1, true)
    assert.matches("rate: unknown field 'persecond', did you mean 'per_second'?", message { rate = { persecond = 1 } },
      1, true)
    assert.matches("rate: per_second: expected", message { rate = { burst = 1 } }, 1, true)
    assert.matches("rate: burst: expected", message { rate = { per_second = 1, burst = 0 } }, 1, true)
    assert.matches("unknown option 'retrys', did you mean 'retries'?", message { retrys = 1 }, 1, true)
    assert.matches("unknown option 'traceparent'", message { traceparent = "00" }, 1, true)
    -- What could be a key is not repeated.
    assert.not_matches("s3cret", message { uncertain = "s3cret" })
  end)

  it("of a rate are left as they were given, and not asked for again", function()
    local given = { per_second = 5 }
    local tk = timekit.new { app_key = "k", transport = scripted.new { scripted.booking "confirmed" }, rate = given }
    assert.same({ per_second = 5 }, given)
    given.per_second = "broken"
    assert(tk:booking("b1"):get())
  end)

  it("are left as they were given", function()
    local given = { app_key = "k", base_url = "https://example.com/", transport = scripted.new {} }
    timekit.new(given)
    assert.equal("https://example.com/", given.base_url)
    assert.is_nil(given.timeout)
  end)

  it("have defaults", function()
    with_environment({}, function()
      local settings = complete { app_key = "k" }
      assert.equal("https://api.timekit.io/v2", settings.base_url)
      assert.equal(30, settings.timeout)
      assert.equal(10, settings.connect_timeout)
      assert.equal(8388608, settings.max_response)
      assert.is_false(settings.http2)
      assert.same({ 2, "reconcile", false }, { settings.retries, settings.uncertain, settings.log_bodies })
      assert.same({}, { settings.rate, settings.before, settings.after })
    end)
  end)

  it("of retries are taken from none to very many", function()
    for _, retries in ipairs { 0, 1, 2.0, 1000 } do
      assert.equal(retries, complete({ app_key = "k", retries = retries }).retries)
    end
  end)

  it("take what is missing from the environment", function()
    with_environment({ TIMEKIT_APP_KEY = "env_key", TIMEKIT_BASE_URL = "http://127.0.0.1:8808/v2/" }, function()
      local settings = complete {}
      assert.equal("env_key", settings.app_key)
      assert.equal("http://127.0.0.1:8808/v2", settings.base_url)
      settings = complete { app_key = "mine", base_url = "https://example.com" }
      assert.equal("mine", settings.app_key)
      assert.equal("https://example.com", settings.base_url)
    end)
    local resource = { TIMEKIT_RESOURCE_EMAIL = "a@b.io", TIMEKIT_RESOURCE_KEY = "rk", TIMEKIT_APP = "slug" }
    with_environment(resource, function()
      local settings = complete {}
      assert.same({ "a@b.io", "rk", "slug" }, { settings.resource_email, settings.resource_key, settings.app })
      settings = complete { app_key = "mine" }
      assert.is_nil(settings.resource_key)
      assert.is_nil(settings.app)
    end)
  end)

  it("take an empty variable for one that is not set", function()
    with_environment({ TIMEKIT_APP_KEY = "env_key", TIMEKIT_BASE_URL = "" }, function()
      assert.equal(urls.DEFAULT, complete({}).base_url)
    end)
  end)

  it("name the variable of the environment that is wrong", function()
    with_environment({ TIMEKIT_APP_KEY = "s3cret\n" }, function()
      local message = blame(function() timekit.new {} end)
      assert.matches("timekit.new: environment variable TIMEKIT_APP_KEY: ", message, 1, true)
      assert.not_matches("s3cret", message)
    end)
    with_environment({ TIMEKIT_APP_KEY = "k", TIMEKIT_BASE_URL = "http://example.com" }, function()
      timekit.configure {}
      assert.matches("timekit.booking: environment variable TIMEKIT_BASE_URL: expected https",
        blame(function() timekit.booking("b1") end), 1, true)
    end)
  end)

  it("ask for one kind of credentials, and for all of it", function()
    with_environment({}, function()
      assert.matches("app_key and resource_email exclude each other", blame(function()
        timekit.new { app_key = "k", resource_email = "a@b.io", resource_key = "rk", app = "slug" }
      end))
      assert.matches("resource_email needs resource_key as well",
        blame(function() timekit.new { resource_email = "a@b.io", app = "slug" } end))
      assert.matches("resource_key needs resource_email as well",
        blame(function() timekit.configure { resource_key = "rk", app = "slug" } end))
      assert.matches("resource_email needs app as well",
        blame(function() timekit.new { resource_email = "a@b.io", resource_key = "rk" } end))
      assert.matches("resource_email: expected an e%-mail address",
        blame(function() timekit.new { resource_email = "a:b@b.io", resource_key = "rk", app = "slug" } end))
    end)
    with_environment({ TIMEKIT_APP_KEY = "k", TIMEKIT_RESOURCE_EMAIL = "a@b.io" }, function()
      assert.matches("TIMEKIT_APP_KEY and TIMEKIT_RESOURCE_EMAIL exclude each other",
        blame(function() timekit.new {} end))
    end)
    with_environment({ TIMEKIT_RESOURCE_EMAIL = "a@b.io", TIMEKIT_RESOURCE_KEY = "rk" }, function()
      assert.matches("TIMEKIT_RESOURCE_EMAIL needs TIMEKIT_APP as well", blame(function() timekit.new {} end))
    end)
  end)

  it("without any key raise when the client is needed, and say what to do", function()
    with_environment({}, function()
      assert.matches("timekit.new: no key: set the environment variable TIMEKIT_APP_KEY",
        blame(function() timekit.new() end))
      timekit.configure { timeout = 5 }
      assert.matches("timekit.booking: no key: set the environment variable TIMEKIT_APP_KEY",
        blame(function() timekit.booking("b1") end))
    end)
  end)

  it("of a method are checked, too", function()
    local transport = scripted.new(function() return scripted.booking "confirmed" end)
    local tk = timekit.new { app_key = "k", transport = transport }
    local booking = tk:booking("b1")
    assert.matches("booking:action: unknown option 'inclde', did you mean 'include'?",
      blame(function() booking:action("confirm", nil, { inclde = "meta" }) end), 1, true)
    assert.matches("booking:confirm: unknown option 'aply_to_bulked_bookings', did you mean 'apply_to_bulked",
      blame(function() booking:confirm(nil, { aply_to_bulked_bookings = false }) end), 1, true)
    assert.matches("booking:get: unknown option 'settings'", blame(function() booking:get { settings = {} } end))
    assert.matches("client:create_booking: unknown option 'timout', did you mean 'timeout'?",
      blame(function() tk:create_booking({}, { timout = 1 }) end), 1, true)
    for name, values in pairs {
      apply_to_bulked_bookings = { 1, "false" },
      settings = { true, { 1 }, { apply_to_bulked_bookings = false } },
      include = { 1, "", "a\nb", { "a", 2 }, { a = "b" }, { "a", "" }, { "a", nil, "b" } },
      timeout = { 0, -1, "1", 0 / 0 },
      traceparent = {
        1, "", "00", true, {},
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",           -- without flags
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",   -- version 00 has no more
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX: 1",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",        -- upper case
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",         -- one digit too few
        "00-0af7651916cd43dd8448eb211c80319cc-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033311-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\nX",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",    -- what comes later comes after a dash
      },
    } do
      for _, value in ipairs(values) do
        assert.matches("^booking:action: " .. name .. ": ",
          blame(function() booking:action("confirm", nil, { [name] = value }) end))
        if name == "include" or name == "timeout" or name == "traceparent" then
          assert.matches("^booking:get: " .. name .. ": ", blame(function() booking:get { [name] = value } end))
          assert.matches("^client:create_booking: " .. name .. ": ",
            blame(function() tk:create_booking({}, { [name] = value }) end))
        end
      end
    end
    assert.matches("settings: 'decline' is where the inputs go",
      blame(function() booking:action("decline", nil, { settings = { decline = {} } }) end))
    assert.matches("expected a table of options", blame(function() booking:action("confirm", nil, "fast") end))
  end)
end)
