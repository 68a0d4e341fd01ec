--- The servers of the benches: an nginx that answers like Timekit, one worker on a core of its own where there are two;
-- and an nginx whose handlers act on bookings or proxy to the first.
local documents = require "spec.bench.documents"
local lfs = require "lfs"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local shell = require "spec.support.shell"
local tls = require "spec.support.tls"

local server = {}

-- nginx reads the body: if it does not, libcurl 7.88 loses requests over HTTP/2.
local LOCATIONS = [[
keepalive_requests 1000000000;
http2_max_concurrent_streams 1024;
listen 127.0.0.1:8443 ssl http2;
ssl_certificate CERTIFICATES/good.pem;
ssl_certificate_key CERTIFICATES/good.key;
location /v2/ {
  content_by_lua_block {
    ngx.req.read_body()
    ngx.header.content_type = "application/json"
    ngx.header.content_length = #answers[1]
    ngx.header.timekit_request_id = "4f0a4f0b-3c62-4f0f-8a5c-9d1c3f8d2b6e"
    ngx.header.x_ratelimit_remaining = "599"
    latest = latest % #answers + 1
    ngx.print(answers[latest])
  }
}
location /held/ {
  content_by_lua_block {
    ngx.req.read_body()
    holding.now = holding.now + 1
    ngx.sleep(HELD_SECONDS)
    holding.now = holding.now - 1
    ngx.header.content_type = "application/json"
    ngx.header.content_length = #answers[1]
    ngx.print(answers[1])
  }
}
location = /held_now { content_by_lua_block { ngx.print(holding.now) } }
]]

-- Longer than it takes to start 1,000 calls and to look at the memory that they take.
server.HELD_SECONDS = 5

-- nginx's way to name the first core, and the second.
local FIRST, SECOND = "worker_cpu_affinity 01;", "worker_cpu_affinity 10;"

local cores = tonumber((shell.must("nproc")))

--- The prefix that pins a command to the core that the server leaves free; empty on a machine with one core.
server.beside = cores > 1 and "taskset -c 1 " or ""

--- Pins to the server's core.
server.together = cores > 1 and "taskset -c 0 " or ""

local function pinned(line)
  return "worker_rlimit_nofile 8192;" .. (cores > 1 and line or "")
end

--- A line of nginx's configuration that pins a server's worker to its core.
server.alone = pinned(FIRST)

--- Starts the server that answers every PUT with a booking.
-- @tparam ?integer kinds how many different bookings, as of `documents.answers`
-- @treturn table `url` (the base URL), `tls_url`, `ca_file`, `held_url`, `port`, `tls_port`, `complaints()`, `close()`
function server.start(kinds)
  local certificates = shell.must("mktemp -d"):match("%S+")
  tls.write(certificates)
  local text = LOCATIONS:gsub("CERTIFICATES", certificates):gsub("HELD_SECONDS", server.HELD_SECONDS)
  local running = nginx.start(nginx.configuration(text, {
    main = server.alone,
    http = ([[
init_by_lua_block {
  package.path = "%s/?.lua;" .. package.path
  answers, latest, holding = require("spec.bench.documents").answers(%s), 0, { now = 0 }
}]]):format(lfs.currentdir(), kinds or ""),
  }))
  return {
    port = running.port, tls_port = running.tls_port, url = running.url .. "/v2", held_url = running.url .. "/held",
    tls_url = ("https://127.0.0.1:%d/v2"):format(running.tls_port), ca_file = certificates .. "/ca.pem",
    complaints = function() return running:complaints() end,
    close = function()
      running:close()
      shell.must("rm -rf " .. certificates)
    end,
  }
end

--- The URL that an action is put to.
-- @tparam string base_url
-- @treturn string
function server.endpoint(base_url)
  return ("%s/bookings/%s/confirm"):format(base_url, documents.ID)
end

--- Moves a server away: starts a relay to it on the server's core.
-- @tparam integer port the server's
-- @tparam number round_trip how long a request and its answer are on their way, milliseconds
-- @treturn table `port`, `close()`
function server.far(port, round_trip)
  local relay = process.start(("%sbuild/bench/far %d %g"):format(server.together, port, round_trip / 2))
  return { port = tonumber(relay.line), close = function() relay:close() end }
end

--- Starts an nginx with the locations `/action`, which confirms a booking and answers with its state, and `/proxy`,
-- which passes the request on; its worker on the core that the server leaves free.
-- @tparam integer port the server's
-- @treturn table an nginx, as of `spec.support.nginx`
function server.front(port)
  return nginx.start(nginx.configuration(([[
keepalive_requests 1000000000;
location = /proxy {
  proxy_pass http://upstream/v2/bookings/%s/confirm;
  proxy_method PUT;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
}
location = /action {
  content_by_lua_block {
    ngx.req.read_body()
    local booking, err = timekit.booking(tentative):action("confirm", inputs)
    if not booking then ngx.status = 500 end
    local text = booking and booking.state or tostring(err)
    ngx.header.content_length = #text
    ngx.print(text)
  }
}
]]):format(documents.ID), {
    main = "env TIMEKIT_APP_KEY; env TIMEKIT_BASE_URL;" .. pinned(SECOND),
    http = ([[
upstream upstream { server 127.0.0.1:%d; keepalive 128; keepalive_requests 1000000000; }
init_by_lua_block {
  timekit = require "timekit"
  tentative = { id = "%s", graph = "confirm_decline", state = "tentative" }
  inputs = { message = "%s" }
}]]):format(port, documents.ID, documents.INPUTS.message),
  }), ("TIMEKIT_APP_KEY=%s TIMEKIT_BASE_URL=http://127.0.0.1:%d/v2"):format(documents.KEY, port))
end

return server
