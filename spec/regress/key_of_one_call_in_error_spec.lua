-- A user saw: the secret of a gateway, given as a header of one call, in the error of that call and in what a hook got:
-- the gateway had answered with the headers that it got.
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local START, STOP = "2027-03-01T08:00:00+00:00", "2027-03-01T09:00:00+00:00"

local SECRETS = {
  ["X-Gateway-Key"] = "gate-8d1f", ["cf-access-client-secret"] = "cloud-77a0",
  ["X-Forwarded-Auth"] = "Bearer bear-41c2",
  ["CF-Access-Jwt-Assertion"] = "jwt-9e9e", ["X-Session"] = "sess-0b0b",
}

-- Every way in which a value may come back.
local function echo(status)
  return function(request)
    local told, values = {}, {}
    for name, value in pairs(request.headers) do
      told[name] = { value, (value:gsub("^Bearer ", "")) }
      values[#values + 1] = value
    end
    return scripted.answer(status, core.encode { error = table.concat(values, " "), errors = told, data = told },
      { ["timekit-request-id"] = table.concat(values, "/") })
  end
end

local CALLS = {
  action = function(tk, opts) return tk:booking("b1"):confirm(nil, opts) end,
  get = function(tk, opts) return tk:booking("b1"):get(opts) end,
  update_meta = function(tk, opts) return tk:booking("b1"):update_meta({ a = 1 }, opts) end,
  reschedule = function(tk, opts) return tk:booking("b1"):reschedule({ start = START, ["end"] = STOP }, opts) end,
  delete = function(tk, opts) return tk:booking("b1"):delete(opts) end,
  next_autoplay = function(tk, opts) return tk:booking("b1"):next_autoplay(opts) end,
  create_booking = function(tk, opts) return tk:create_booking({ graph = "instant" }, opts) end,
  create_bookings = function(tk, opts) return tk:create_bookings({ { graph = "instant" } }, opts) end,
  update_bookings = function(tk, opts) return tk:update_bookings({ { "b1", "confirm" } }, opts) end,
  bookings_page = function(tk, opts) return tk:bookings_page(opts) end,
  bookings = function(tk, opts)
    opts.prefetch = true
    return nil, select(2, pcall(function() for _ in tk:bookings(opts) do error "no booking is there" end end))
  end,
  request = function(tk, opts) return tk:request("POST", "/x", opts) end,
  connect = function(tk, opts) return tk:connect(opts) end,
}

-- All texts in a value.
local function texts(value, found)
  if type(value) == "table" then
    for name, item in pairs(value) do
      texts(name, found)
      texts(item, found)
    end
  else
    found[#found + 1] = tostring(value)
  end
  return found
end

local function assert_clean(...)
  local all = table.concat(texts({ ... }, {}), " ")
  for _, value in pairs(SECRETS) do
    assert.is_nil(all:find(value:gsub("^Bearer ", ""), 1, true), value .. " in " .. all)
  end
end

describe("the keys in the headers of one call", function()
  for name, call in pairs(CALLS) do
    for _, status in ipairs { 200, 422, 502 } do
      it(("stand in nothing that %s brings, HTTP %d"):format(name, status), function()
        local seen = {}
        local tk = timekit.new {
          app_key = "test_key", transport = scripted.new(echo(status)), retries = 0, log_bodies = true,
          before = function(try) seen[#seen + 1] = try end, after = function(try) seen[#seen + 1] = try end,
        }
        local _, told = call(tk, { headers = SECRETS })
        told.envelope = nil   -- the data of a success stay as they came
        assert_clean(told, tostring(told), seen)
        assert.is_true(#seen >= 2)
      end)
    end
  end

  it("are gone before the next call", function()
    local tk = timekit.new { app_key = "test_key", transport = scripted.new(echo(422)), retries = 0 }
    tk:booking("b1"):get { headers = SECRETS }
    local _, err = tk:booking("b1"):get { headers = { ["X-Note"] = "gate-8d1f" } }
    assert.matches("gate-8d1f", tostring(err), 1, true)
  end)
end)
