-- Neovim: the command :TimekitConfirm ID, which does not keep the editor waiting. Loaded by :luafile confirm.lua, after
-- `make LUA=luajit && sudo make install LUA=luajit`.
local vim = vim -- luacheck: globals vim
local timekit = require "timekit"
local tk = timekit.new { runtime = "luv" }     -- the editor's loop, vim.loop, is luv's

vim.api.nvim_create_user_command("TimekitConfirm", function(command)
  coroutine.wrap(function()
    local booking, err = tk:booking(command.args):confirm()
    vim.schedule(function()                    -- a callback of the loop may not use the editor
      vim.notify(booking and booking.state or tostring(err))
    end)
  end)()
end, { nargs = 1 })
