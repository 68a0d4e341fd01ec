--- A crowd of writers in nginx: each is a request, all served by one worker.
local nginx = require "spec.support.nginx"
local socket = require "socket"

local crowd = {}

-- Waiting between two tries is a thousand times shorter, for each request by itself.
local CONFIGURATION = [[
init_by_lua_block {
  package.path = "%s/?.lua;" .. package.path
  arg = { [0] = "nginx" } -- spec/support/this_lua.lua wants it; no program is started here
  require("spec.chaos.graphs").define()
}
init_worker_by_lua_block {
  local runtime = require "timekit.runtime.ngx"
  local now, sleep = runtime.now, runtime.sleep
  function runtime.now() return now() + (ngx.ctx.skipped or 0) end
  function runtime.sleep(seconds, pump)
    ngx.ctx.skipped = (ngx.ctx.skipped or 0) + seconds
    sleep(seconds / 1000, pump)
  end
}
client_max_body_size 16m;
client_body_buffer_size 1m;
]]

local LOCATION = [[
location = /write { content_by_lua_block {
  local core = require "timekit.core"
  local control = require "spec.chaos.control"
  ngx.req.read_body()
  local job = assert(core.decode(ngx.req.get_body_data()))
  job.round = require("spec.chaos.plan").round(job.seed, job.number, "crowd")
  local clean = control.new(job.url)
  local notes = require("spec.chaos.session").run(job, clean)
  clean:close()
  ngx.print(assert(core.encode(core.array(notes))))
} }
]]

local Member = {}
Member.__index = Member

function Member:say(job)
  self.connection = assert(socket.connect("127.0.0.1", self.nginx.port))
  self.connection:settimeout(120)
  assert(self.connection:send(("POST /write HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s")
    :format(#job, job)))
end

function Member:read()
  local body, status = nginx.answer(self.connection)
  if status ~= 200 then error(self.nginx:log(), 0) end
  return body
end

-- Its request has ended.
function Member.close() end

--- Starts nginx.
-- @treturn table `nginx`, and `start_member` for spec/chaos/run.lua
function crowd.start()
  local lfs = require "lfs"
  local started = nginx.start(nginx.configuration(LOCATION, { http = CONFIGURATION:format(lfs.currentdir()) }))
  return {
    nginx = started,
    start_member = function() return setmetatable({ line = "ready", nginx = started }, Member) end,
  }
end

return crowd
