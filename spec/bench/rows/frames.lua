--- What a game's frame pays for `tk:update()` while a resolver hangs.
local numbers = require "spec.bench.numbers"
local play = require "spec.bench.game"

local function milliseconds(value) return ("%.4f"):format(value) end

return function(report)
  local told, shared = play(), play(true)
  report:heading("The frame of a game")
  report:line("%s frames of 2 ms with `tk:update()` in each, while a resolver hangs: %d calls in flight, %d ended,",
    numbers.grouped(told.frames), told.calls, told.ended)
  report:line("%d of them cancelled. Starting all of them took %.1f ms.", told.cancelled, told.starts)
  report:line("")
  report:table({ "a frame's update", "ms", "under a shared rate, whose Redis hangs as well" }, {
    { "median", milliseconds(told.median), milliseconds(shared.median) },
    { "99 %", milliseconds(told.most_99), milliseconds(shared.most_99) },
    { "99.9 %", milliseconds(told.most_999), milliseconds(shared.most_999) },
    { "worst", milliseconds(told.worst), milliseconds(shared.worst) },
  })
  report:row {
    name = "the frame of a game, 99.9 % over the median", value = told.most_999 / told.median, format = "%.1f",
    at_least = 6, aim = 3, most = true,
  }
end
