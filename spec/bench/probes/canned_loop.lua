--- A program: actions whose answer is there at once, without the C core: what is left is the library's Lua, and JSON.
-- `lua canned_loop.lua COUNT` prints the microseconds of CPU for each.
local actions = require "spec.bench.actions"
local documents = require "spec.bench.documents"

local COUNT = tonumber(arg[1])

local answers, started = documents.answers(), 0

local outcome = {
  status = 200, sent = "yes", reused = true,
  headers = {
    ["content-type"] = "application/json", ["x-ratelimit-remaining"] = "599",
    ["timekit-request-id"] = "4f0a4f0b-3c62-4f0f-8a5c-9d1c3f8d2b6e",
  },
}

local transfer = {
  done = function() return true end,
  cancel = function() end,
  result = function() return outcome end,
}

-- See timekit.transport.reference.
local connection = {
  start = function(_, request)
    assert(request.body == documents.BODY)
    started = started + 1
    outcome.body = answers[started % #answers + 1]
    return transfer
  end,
  step = function() end, wait = function() end, fd = function() end, timeout = function() end, close = function() end,
}

local tk = actions.client { transport = { connect = function() return connection end } }
local began = os.clock()
actions.one_after_the_other(tk, COUNT, function(booking, info) assert(booking, info) end)
print((os.clock() - began) / COUNT * 1e6)
