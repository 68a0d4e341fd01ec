-- LÖVE: books between the frames, and no frame waits for it. Run by TIMEKIT_APP_KEY=... love . in this folder, after
-- `make LUA=luajit && sudo make install LUA=luajit`.
local love = love -- luacheck: globals love
local timekit = require "timekit"
local tk, text

function love.load()
  tk, text = timekit.new(), "booking ..."
  local call = tk:start(function()
    local booking, err = tk:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    }
    if not booking then return nil, err end
    return tk:booking(booking):confirm()
  end)
  call:on_done(function(booking, err)
    text = booking and booking.state or tostring(err)
  end)
end

function love.update()
  tk:update()                                  -- never waits
end

function love.draw()
  love.graphics.print(text, 20, 20)
end

function love.quit()
  tk:close()
end
