-- A thousand calls in flight in one client: none is lost, and none gets the answer of another. nginx plays the server.
local core = require "timekit.core"
local faults = require "spec.support.faults"
local nginx = require "spec.support.nginx"
local timekit = require "timekit"
local tls = require "spec.support.tls"

local COUNT = 1000

-- Answers an action with the booking that was asked for, but not before all have arrived.
local SERVER = [[
  keepalive_requests 100000;
  http2_max_concurrent_streams 2000;
  location /v2/ { content_by_lua_block {
    ngx.req.read_body()
    arrived = arrived + 1
    for _ = 1, 2000 do
      if arrived >= tonumber(ngx.var.arg_include) then break end
      ngx.sleep(0.01)
    end
    local id, action = ngx.var.uri:match("^/v2/bookings/([^/]+)/([^/]+)$")
    ngx.print('{"data":{"id":"', id, '","graph":"confirm_decline","state":"', action, 'ed","arrived":', arrived, '}}')
  } }
  location = /arrived { content_by_lua_block { ngx.print(arrived) arrived = 0 } }
]]

describe("a thousand calls in flight", function()
  local server, directory, files

  setup(function()
    local pipe = assert(io.popen("mktemp -d"))
    directory = pipe:read("*l")
    pipe:close()
    files = tls.write(directory)
    server = nginx.start(nginx.configuration(SERVER, {
      http = ([[
        init_by_lua_block { arrived = 0 }
        server {
          listen 127.0.0.1:8443 ssl http2;
          ssl_certificate %s/good.pem;
          ssl_certificate_key %s/good.key;
          %s
        }
      ]]):format(directory, directory, SERVER),
    }))
  end)

  teardown(function()
    server:close()
    for _, name in ipairs(files) do os.remove(directory .. "/" .. name) end
    os.remove(directory)
  end)

  for name, options in pairs {
    ["HTTP/1.1"] = { scheme = "http" }, ["HTTP/2"] = { scheme = "https", http2 = true },
  } do
    it("are told apart over " .. name, function()
      local port = options.scheme == "https" and server.tls_port or server.port
      local tk = timekit.new {
        app_key = "k_test", base_url = ("%s://127.0.0.1:%d/v2"):format(options.scheme, port), http2 = options.http2,
        ca_file = directory .. "/ca.pem", uncertain = "report", timeout = 60,
      }
      local calls = {}
      for index = 1, COUNT do
        -- Streams that a connection has no room for wait in libcurl for its end.
        local action = index % 2 == 0 and "confirm" or "declin"
        calls[index] = tk:booking("b" .. index):start(action, nil, { include = options.http2 and "100" or "1000" })
      end
      while tk:update(10) > 0 do end
      local last = 0
      for index = 1, COUNT do
        local booking, info = calls[index]:result()
        assert(booking, tostring(info))
        assert.same({ "b" .. index, index % 2 == 0 and "confirmed" or "declined", 1 },
          { booking.id, booking.state, info.attempts })
        last = math.max(last, booking.arrived)
      end
      assert.equal(COUNT, last)
      tk:close()
      local engine = core.engine { base_url = server.url }
      assert.equal(tostring(COUNT), faults.finish(engine, engine:start { method = "GET", target = "/arrived" }).body)
      engine:close()
    end)
  end
end)
