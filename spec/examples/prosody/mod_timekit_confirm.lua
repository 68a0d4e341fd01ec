-- Prosody: GET /timekit_confirm/ID confirms a booking, and nobody else waits for it. Lies in one of the folders that
-- `plugin_paths` names, and is enabled by `modules_enabled = { "timekit_confirm" }`, after `make && sudo make install`.
-- luacheck: ignore 142 143 (Prosody's own `module`)
local server = require "net.server"
local timekit = require "timekit"
local tk = timekit.new()

-- Readable when there is something to do, timers included.
local watch = server.watchfd(tk:fd(), function() tk:update() end)

module:depends "http"
module:provides("http", {
  route = {
    ["GET /*"] = function(event, id)
      tk:booking(id):start("confirm"):on_done(function(booking, err)
        event.response:send(booking and booking.state or tostring(err))
      end)
      return true                              -- the answer comes later
    end,
  },
})

function module.unload()
  watch:close()                                -- before its descriptor is closed
  tk:close()
end
