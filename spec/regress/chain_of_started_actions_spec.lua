-- A user saw: "C stack overflow" as the result of an action that on_done had started after another one. The server was
-- near, so each answer was there before on_done was called, and each function ran within the one before.
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local TOTAL = 1000

local transfer = {
  done = function() return true end,
  cancel = function() end,
  result = function() return scripted.booking "confirmed" end,
}

local connection = {
  start = function() return transfer end,
  step = function() end, wait = function() end, fd = function() end, timeout = function() end, close = function() end,
}

it("a chain of actions, each started by the function of the one before, does not end before its last", function()
  local tk = timekit.new { app_key = "k_test", transport = { connect = function() return connection end } }
  local ended, problem = 0, nil
  local function start()
    tk:booking("b1"):start("confirm"):on_done(function(booking, err)
      ended, problem = ended + 1, err
      if booking and ended < TOTAL then start() end
    end)
  end
  start()
  while tk:update() > 0 do end
  assert.equal(TOTAL, ended)
  assert.equal(200, problem.status)
  tk:close()
end)
