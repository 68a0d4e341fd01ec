-- In which phases of nginx an action waits, and in which it is refused.
local app = require "spec.support.nginx_app"
local core = require "timekit.core"

local start, book, get, confirmed = app.start, app.book, app.get, app.confirmed

setup(app.open)
teardown(app.close)
after_each(app.stop)

-- A location that goes by TLS, where Lua code runs during the handshake, about the booking `told.id`.
local function tls_server(directive)
  return [[
    location = /try {
      access_by_lua_block { told.id = ngx.var.arg_id }
      proxy_pass https://unix:PREFIX/tls.sock:/;
    }
  ]], { http = ([[
    server {
      listen unix:PREFIX/tls.sock ssl;
      ssl_certificate %s/good.pem;
      ssl_certificate_key %s/good.key;
      %s
      location / { content_by_lua_block { ngx.print(told.late) } }
    }
  ]]):format(app.certificates, app.certificates, directive) }
end

describe("in nginx", function()
  describe("an action waits in the phase", function()
    local PHASES = {
      server_rewrite = { http = [[
        server_rewrite_by_lua_block { if ngx.var.arg_early then ngx.print(act()) ngx.exit(200) end }
      ]], path = "/pid?early=1&id=" },
      rewrite = { "rewrite_by_lua_block { ngx.print(act()) ngx.exit(200) }" },
      access = { "access_by_lua_block { ngx.print(act()) ngx.exit(200) }" },
      content = { "content_by_lua_block { ngx.print(act()) }" },
      timer = { [[content_by_lua_block {
        local done = require("ngx.semaphore").new(0)
        local id, answer = ngx.var.arg_id, nil
        assert(ngx.timer.at(0, function() answer = act(id) done:post(1) end))
        assert(done:wait(10))
        ngx.print(answer)
      }]] },
      ssl_cert = { tls = "ssl_certificate_by_lua_block { told.late = act(told.id) }" },
    }
    for name, phase in pairs(PHASES) do
      it(name, function()
        if phase.tls then start(tls_server(phase.tls))
        else start("location = /try { " .. (phase[1] or "") .. " }", { http = phase.http })
        end
        local id = book()
        assert.equal("confirmed", get((phase.path or "/try?id=") .. id).state)
        assert.same({ [id] = 1 }, confirmed())
        assert.equal("", app.running:complaints())
      end)
    end
  end)

  describe("an action is refused in the phase", function()
    local SHOW = "location = /show { content_by_lua_block { ngx.print(told.late) } }\n"
    local PHASES = {
      init = { http = "", init = "told.late = act('b')" },
      init_worker = { http = "init_worker_by_lua_block { told.late = act('b') }" },
      set = { "set_by_lua_block $told { return act() } content_by_lua_block { ngx.print(ngx.var.told) }" },
      header_filter = { [[
        header_filter_by_lua_block { told.late = act() }
        content_by_lua_block { ngx.print("sent") ngx.flush(true) ngx.print(told.late) }
      ]], skip = "sent" },
      body_filter = { [[
        header_filter_by_lua_block { ngx.header.content_length = nil }
        body_filter_by_lua_block { if not ngx.arg[2] then ngx.arg[1] = act() end }
        content_by_lua_block { ngx.print("replaced") }
      ]] },
      ssl_client_hello = { tls = "ssl_client_hello_by_lua_block { told.late = act('b') }" },
      log = { "log_by_lua_block { told.late = act() } return 200 'logged';", shown = true },
      balancer = { "proxy_pass http://balanced/fast;", shown = true, http = [[
        upstream balanced {
          server 0.0.0.1;
          balancer_by_lua_block {
            told.late = act()
            assert(require("ngx.balancer").set_current_peer("127.0.0.1", ngx.var.server_port))
          }
        }
      ]] },
    }
    for name, phase in pairs(PHASES) do
      it(name, function()
        if phase.tls then start(tls_server(phase.tls))
        else start(SHOW .. "location = /try { " .. (phase[1] or "") .. " }", { http = phase.http, init = phase.init })
        end
        local body = app.running:get((phase[1] or phase.tls) and "/try?id=b" or "/show")
        if phase.shown then body = app.running:get("/show") end
        local err = assert(core.decode((body:gsub("^" .. (phase.skip or ""), ""))))
        assert.equal("phase", err.kind)
        assert.equal("no", err.sent)
        assert.equal(0, err.attempts)
        assert.matches("phase " .. name .. ":", err.message, 1, true)
        assert.matches("ngx.timer.at", err.message, 1, true)
        local _, requests = app.box:request("GET", "/_sandbox/requests")
        assert.same({}, requests.data)
        assert.equal("", app.running:complaints())
      end)
    end

    it("exit_worker", function()
      start("", { http = "exit_worker_by_lua_block { ngx.log(ngx.WARN, act('b')) }" })
      app.running:signal("QUIT")
      app.running:wait()
      assert.matches('"kind":"phase"', app.running:log(), 1, true)
    end)
  end)
end)
