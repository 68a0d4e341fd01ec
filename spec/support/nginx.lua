--- A real nginx with its Lua module (LuaJIT) for the specs: a process of its own, in a folder of its own.
local lfs = require "lfs"
local process = require "spec.support.process"
local socket = require "socket"

local nginx = {}
nginx.__index = nginx

-- A test fails rather than hangs. Seconds.
local PATIENCE = 20

-- Where nginx puts bodies that do not fit into memory. The built-in folders belong to root.
local TEMPORARY = {
  "client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path",
}

local MODULES = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
]]

local function shell(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read("*a")
  assert(pipe:close(), command)
  return (output:gsub("%s+$", ""))
end

local function read(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text
end

-- A port that is free now. nginx most likely gets it before another program does.
local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

--- Where nginx finds this checkout's module, built for LuaJIT.
function nginx.paths()
  local here = lfs.currentdir()
  return ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(here, here), here .. "/build/luajit/?.so;;"
end

--- A complete configuration.
-- @tparam string locations for the server
-- @tparam ?table more `main`, `http`: further lines for these levels; `workers`
-- @treturn string
function nginx.configuration(locations, more)
  more = more or {}
  return MODULES .. ([[
worker_processes %d;
%s
events { worker_connections 2048; }
http {
  access_log off;
  %s
  server {
    listen 127.0.0.1:8080;
    location = /pid { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    location = /fast { return 200 "fast"; }
    %s
  }
}
]]):format(more.workers or 1, more.main or "", more.http or "", locations)
end

-- Sets what is this machine's: the ports, and where things are.
local function adapt(text, prefix, port, tls_port)
  local lua_path, lua_cpath = nginx.paths()
  local lines = {
    ('lua_package_path "%s";'):format(lua_path),
    ('lua_package_cpath "%s";'):format(lua_cpath),
  }
  for _, directive in ipairs(TEMPORARY) do
    lines[#lines + 1] = ("%s %s/%s;"):format(directive, prefix, directive)
  end
  text = text:gsub("\n%s*lua_package_c?path [^\n]*", "")
  text = text:gsub("\nhttp {", function() return "\nhttp {\n" .. table.concat(lines, "\n") end)
  text = text:gsub("127%.0%.0%.1:8080", "127.0.0.1:" .. port):gsub("127%.0%.0%.1:8443", "127.0.0.1:" .. tls_port)
  return (text:gsub("PREFIX", prefix))
end

-- Prints nginx's process id, and "ended" once nginx has ended. Asks it to end when standard input ends, and repeats
-- that: a shell's background process ignores SIGQUIT until nginx has installed its handler.
local SCRIPT = [[
exec 3<&0
env %s nginx -p %s -c %s/nginx.conf -e %s/error.log -g '%s' 2>%s/stderr.log & pid=$!
echo $pid
{
  cat <&3 >/dev/null
  for try in $(seq 200); do kill -QUIT $pid 2>/dev/null || exit; sleep 0.1; done
  kill -KILL $pid
} >/dev/null &
wait $pid
echo ended]]

local function try_to_start(text, environment)
  local prefix = shell("mktemp -d")
  local port, tls_port = free_port(), free_port()
  local file = assert(io.open(prefix .. "/nginx.conf", "w"))
  file:write(adapt(text, prefix, port, tls_port))
  file:close()
  -- Workers run as the user who runs the specs: another user may not be able to read the checkout.
  local main = ("daemon off; pid %s/nginx.pid; error_log %s/error.log notice;"):format(prefix, prefix)
  if shell("id -u") == "0" then main = main .. " user root;" end
  local script = prefix .. "/run.sh"
  file = assert(io.open(script, "w"))
  file:write(SCRIPT:format(environment or "", prefix, prefix, prefix, main, prefix))
  file:close()
  local program = process.start("env PATH=/usr/sbin:$PATH sh " .. script)
  return setmetatable({
    program = program, master = tonumber(program.line), prefix = prefix,
    port = port, tls_port = tls_port, url = "http://127.0.0.1:" .. port,
  }, nginx)
end

-- Does a worker answer? A port that accepts connections does not mean that the master takes signals yet.
local function answers(port)
  local connection = socket.connect("127.0.0.1", port)
  if not connection then return false end
  connection:settimeout(PATIENCE)
  connection:send("GET /fast HTTP/1.0\r\n\r\n")
  local line = connection:receive("*l")
  connection:close()
  return line ~= nil
end

-- false: it has ended.
local function comes_up(self)
  local patience = socket.gettime() + PATIENCE
  while socket.gettime() < patience do
    if answers(self.port) then return true end
    if read(self.prefix .. "/error.log"):find("[emerg]", 1, true) then return false end
    socket.sleep(0.01)
  end
  return false
end

--- Starts nginx and waits until it answers; it ends by `close()`, or when the suite does.
-- @tparam string text the configuration. It listens on 127.0.0.1:8080 (and :8443) as far as the text is concerned, and
--   `PREFIX` stands for its folder.
-- @tparam ?string environment such as `TIMEKIT_APP_KEY=x`
-- @treturn table with `port`, `tls_port`, `url`, `master` (its process id), `prefix` (its folder)
function nginx.start(text, environment)
  local problem
  -- Another program may have taken the port meanwhile.
  for _ = 1, 3 do
    local self = try_to_start(text, environment)
    if comes_up(self) then return self end
    problem = self:log()
    self:close()
    if not problem:find("Address already in use", 1, true) then break end
  end
  error("nginx did not start:\n" .. problem, 2)
end

--- What it logged.
-- @treturn string
function nginx:log()
  return read(self.prefix .. "/error.log")
end

--- What it logged as an error or worse.
-- @treturn string
function nginx:complaints()
  local lines = {}
  for line in self:log():gmatch("[^\n]+") do
    if line:find("%[emerg%]") or line:find("%[alert%]") or line:find("%[crit%]") or line:find("%[error%]") then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

--- Sends its master process a signal.
-- @tparam string name such as `HUP`
function nginx:signal(name)
  shell(("kill -%s %d"):format(name, self.master))
end

--- Waits until all its processes have ended.
function nginx:wait()
  if not self.has_ended then assert(self.program:read() == "ended") end
  self.has_ended = true
end

--- Ends it.
function nginx:close()
  self.program:close()
  shell("rm -rf " .. self.prefix)
end

--- Sends a GET, or a POST where there is a body, and does not wait for the answer.
-- @tparam string path
-- @tparam ?string body
-- @tparam ?string headers further lines, each with its end
-- @treturn socket see `answer`
function nginx:ask(path, body, headers)
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:settimeout(PATIENCE)
  local method, length = "GET", ""
  if body then method, length = "POST", ("Content-Length: %d\r\n"):format(#body) end
  assert(connection:send(("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n%s"):format(
    method, path, length, headers or "", body or "")))
  return connection
end

--- Waits for the answer to what was asked.
-- @tparam socket connection
-- @treturn string its body
-- @treturn number its status
function nginx.answer(connection)
  local text = assert(connection:receive("*a"))
  connection:close()
  local status, rest = text:match("^HTTP/1%.1 (%d%d%d)[^\n]*\n(.*)$")
  assert(status, "no answer: " .. text)
  local head, body = rest:match("^(.-)\r\n\r\n(.*)$")
  if head:lower():find("transfer%-encoding: chunked") then
    local parts = {}
    local position = 1
    while true do
      local size, start = body:match("^(%x+)\r\n()", position)
      size = tonumber(size, 16)
      if size == 0 then break end
      parts[#parts + 1] = body:sub(start, start + size - 1)
      position = start + size + 2
    end
    body = table.concat(parts)
  end
  return body, tonumber(status)
end

--- Sends a GET and waits for the answer.
-- @tparam string path
-- @treturn string its body
-- @treturn number its status
function nginx:get(path)
  return nginx.answer(self:ask(path))
end

return nginx
