--- `make bench-frames`: what a game's frame pays for `tk:update()` while a resolver hangs.
local play = require "spec.bench.game"

local function show(told)
  print(("%d frames, %d calls in flight; %d ended, %d of them cancelled"):format(
    told.frames, told.calls, told.ended, told.cancelled))
  print(("a frame's update: median %.4f ms, 99 %%: %.4f, 99.9 %%: %.4f, worst %.4f; all starts: %.3f ms"):format(
    told.median, told.most_99, told.most_999, told.worst, told.starts))
end

show(play())
print "the same under a shared rate, whose Redis has a name that hangs:"
show(play(true))
