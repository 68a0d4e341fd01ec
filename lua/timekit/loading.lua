--- Which modules are loaded when they are first used, and where all of them are loaded at once.
-- A script loads what a client is made of when it makes one, and methods that few need when it calls them. A host that
-- must not wait, such as nginx or LÖVE, loads everything by `require "timekit"`, so that no frame and no request pays
-- for reading a file. Where such a host cannot be told from a script, as a game in plain Lua, everything is loaded by
-- the first `Client:start` or `Client:update`, or by `Client:connect`.
--
-- Pictures of graphs are for developers. They are loaded when one is drawn, everywhere.
-- @module timekit.loading

local core = require "timekit.core"
local runtime = require "timekit.runtime"

local loading = {}

-- What `require "timekit"` leaves out in a script.
local RARE = {
  "timekit.booking", "timekit.call.hooks", "timekit.call.rate", "timekit.call.shared_rate", "timekit.client",
  "timekit.default", "timekit.http.query", "timekit.link", "timekit.methods.batch", "timekit.methods.bulk",
  "timekit.methods.changes", "timekit.methods.create", "timekit.methods.customer_links", "timekit.methods.free_request",
  "timekit.methods.lists", "timekit.methods.reservations", "timekit.methods.wait", "timekit.options", "timekit.queue",
  "timekit.redis.address", "timekit.rules.creation", "timekit.rules.definition", "timekit.text.duration",
  "timekit.transport.core", "timekit.webhook",
}

-- Globals and modules of programs that serve others meanwhile.
local HOSTS = { "ngx", "core", "love", "vim", "prosody" }
local LOOPS = { "luv", "cqueues", "copas" }

--- Is this a program's own Lua, run by the stand-alone interpreter, without an event loop? Only there may a file be
-- read at any time. The interpreter names the program in `arg`.
-- @treturn boolean
function loading.is_script()
  local arguments = rawget(_G, "arg")
  if type(arguments) ~= "table" or type(arguments[0]) ~= "string" then return false end
  for _, name in ipairs(HOSTS) do
    if rawget(_G, name) ~= nil then return false end
  end
  for _, name in ipairs(LOOPS) do
    if package.loaded[name] then return false end
  end
  return true
end

--- Loads what is not loaded yet.
function loading.rest()
  for _, name in ipairs(RARE) do require(name) end
  -- Who only verifies webhooks needs none, so that it does not load is told by `timekit.new`.
  pcall(runtime.of)
  core.load_decoder()
end

--- Stands for a module, which is loaded when one of its functions is first looked up.
-- It must not be one that deals with what became of a request: that has to be known even where no file can be read.
-- @tparam string name one of `RARE`
-- @treturn table
function loading.late(name)
  return setmetatable({}, {
    __index = function(self, key)
      local value = require(name)[key]
      rawset(self, key, value)
      return value
    end,
  })
end

--- Gives a class methods that are in modules of their own: a module is loaded when one of its methods is first used.
-- Looking the name up does that, so the method is called as any other, and errors blame the same lines.
-- @tparam table class
-- @tparam table modules method → module
-- @tparam function install function(module): adds the module's methods to the class
-- @treturn function(name) that returns the class's method of that name, or nil
function loading.methods(class, modules, install)
  return function(name)
    local module = modules[name]
    if not module then return nil end
    install(require(module))
    return rawget(class, name)
  end
end

return loading
