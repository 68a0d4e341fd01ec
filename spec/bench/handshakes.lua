--- The server of the bench about TLS: an nginx whose certificates come with an intermediate one, RSA and P-384, and
-- that shakes hands anew for each request, resumes sessions, or keeps connections, by port.
local documents = require "spec.bench.documents"
local nginx = require "spec.support.nginx"
local server = require "spec.bench.server"
local shell = require "spec.support.shell"
local socket = require "socket"

local handshakes = {}

handshakes.KEYS = { "rsa", "p384" }

--- What becomes of a connection.
handshakes.KINDS = { "full", "resumed", "kept" }

local SETTINGS = {
  full = "keepalive_timeout 0; ssl_session_tickets off;",
  resumed = "keepalive_timeout 0; ssl_session_tickets on;",
  kept = "keepalive_requests 1000000000;",
}

-- Where the system has its certificates: one file with all, and a folder with an index.
local SYSTEM = "/etc/ssl/certs"

-- Run in the folder. `make` is given a key's name, and what makes one.
local CHAIN = [[
set -e; cd FOLDER; cp -a SYSTEM/. system
new() {
  openssl req -new -newkey $2 -nodes -keyout $1-$3.key -out $1-$3.csr -subj "/CN=timekit bench $1 $3" 2>/dev/null
}
sign() { openssl x509 -req -in $1-$2.csr -CA $1-$3.pem -CAkey $1-$3.key -CAcreateserial -days 30 -extfile $2.ext \
  -out $1-$2.pem 2>/dev/null; }
echo "basicConstraints=critical,CA:TRUE" > root.ext
cp root.ext middle.ext
echo "subjectAltName=IP:127.0.0.1,DNS:localhost" > leaf.ext
make() {
  for part in root middle leaf; do new "$1" "$2" $part; done
  openssl x509 -req -in $1-root.csr -signkey $1-root.key -days 30 -extfile root.ext -out $1-root.pem 2>/dev/null
  sign $1 middle root
  sign $1 leaf middle
  cat $1-leaf.pem $1-middle.pem > $1-chain.pem
  cat SYSTEM/ca-certificates.crt $1-root.pem > $1-trust.pem
  cp $1-root.pem system/timekit-bench-$1.pem
  cat $1-root.pem >> system/ca-certificates.crt
}
make rsa rsa:2048
openssl ecparam -name secp384r1 -out p384.param
make p384 ec:p384.param
openssl rehash system 2>/dev/null || true
]]

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

local function server_block(folder, key, kind, port)
  return ([[
server {
  listen 127.0.0.1:%d ssl backlog=1024;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ecdh_curve X25519:secp384r1:prime256v1;
  ssl_certificate %s/%s-chain.pem;
  ssl_certificate_key %s/%s-leaf.key;
  %s
  location / {
    content_by_lua_block {
      ngx.req.read_body()
      ngx.header.content_type = "application/json"
      ngx.header.content_length = #answer
      ngx.print(answer)
    }
  }
}
]]):format(port, folder, key, folder, key, SETTINGS[kind])
end

-- A mount namespace in which the system's certificates are others. Nothing outside of it sees them.
local TRUSTING = "env -u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR -u REQUESTS_CA_BUNDLE unshare -rm sh -c "
  .. [['mount --make-rprivate / && mount --bind "$0" %s && exec "$@"' %s ]]

--- Starts it.
-- @treturn table `url(key, kind)`, a base URL; `trusting`, a prefix: for the command behind it the system trusts the
--   roots of these chains, too; `root(key)`, the file of one; `trust(key)`, a file with the system's whole bundle and
--   that root; `complaints()`, `close()`
function handshakes.start()
  local folder = shell.must("mktemp -d"):match("%S+")
  shell.must((CHAIN:gsub("%f[%u]%u+%f[%U]", { FOLDER = folder, SYSTEM = SYSTEM })))
  local ports, blocks = {}, {}
  for _, key in ipairs(handshakes.KEYS) do
    for _, kind in ipairs(handshakes.KINDS) do
      local port = free_port()
      ports[key .. kind] = port
      blocks[#blocks + 1] = server_block(folder, key, kind, port)
    end
  end
  local running = nginx.start(nginx.configuration("", {
    main = server.alone,
    http = ("init_by_lua_block { answer = [==[%s]==] }\n"):format(documents.ANSWER) .. table.concat(blocks),
  }))
  return {
    url = function(key, kind) return ("https://127.0.0.1:%d/v2"):format(ports[key .. kind]) end,
    trust = function(key) return ("%s/%s-trust.pem"):format(folder, key) end,
    trusting = TRUSTING:format(SYSTEM, folder .. "/system"),
    root = function(key) return ("%s/%s-root.pem"):format(folder, key) end,
    complaints = function() return running:complaints() end,
    close = function()
      running:close()
      shell.must("rm -rf " .. folder)
    end,
  }
end

local FRONT = [[
keepalive_requests 1000000000;
location = /proxy {
  proxy_pass https://UPSTREAM/v2/bookings/ID/confirm;
  proxy_method PUT;
  proxy_ssl_verify on;
  proxy_ssl_name localhost;
  proxy_ssl_verify_depth 3;
  proxy_ssl_trusted_certificate TRUST;
  proxy_ssl_session_reuse REUSE;
}
location = /action {
  content_by_lua_block {
    local booking, err = client:booking(tentative):action("confirm")
    local text = booking and booking.state or tostring(err)
    ngx.header.content_length = #text
    ngx.print(text)
  }
}
]]

local CLIENT = [[
init_by_lua_block {
  client = require("timekit").new { app_key = "k", base_url = "https://UPSTREAM/v2", ca_file = "TRUST" }
  tentative = { id = "ID", graph = "confirm_decline", state = "tentative" }
}
]]

--- Starts an nginx of one worker with the locations `/action`, which confirms a booking at one of the servers,
-- `/proxy`, which passes the request on to it, and `/fast`.
-- @tparam table servers what `start` returned
-- @tparam string key
-- @tparam string kind
-- @treturn table an nginx, as of `spec.support.nginx`
function handshakes.front(servers, key, kind)
  local values = {
    UPSTREAM = servers.url(key, kind):match("127[%d.:]+"), TRUST = servers.trust(key), ID = documents.ID,
    REUSE = kind == "full" and "off" or "on",
  }
  local function filled(text) return (text:gsub("%f[%u]%u+%f[%U]", values)) end
  return nginx.start(nginx.configuration(filled(FRONT), { http = filled(CLIENT) }))
end

return handshakes
