--- Three event loops that watch one descriptor and nothing else.
-- Each is a function(fd, on_readable, is_over). It calls `on_readable` whenever the descriptor is readable, until
-- `is_over` returns true, and returns how often that was. It raises rather than hang.
local cqueues = require "cqueues"
local socket = require "socket"
local uv = require "luv"

local loops = {}

-- Seconds without any event, after which a loop gives up: less than libcurl's own timers, which could stand in
-- for ours.
local PATIENCE = 5

local function gave_up()
  error("the descriptor stays quiet", 0)
end

loops["poll(2)"] = function(fd, on_readable, is_over)
  local readable = { getfd = function() return fd end, dirty = function() return false end }
  local count = 0
  while not is_over() do
    if not socket.select({ readable }, nil, PATIENCE)[1] then gave_up() end
    count = count + 1
    on_readable()
  end
  return count
end

function loops.cqueues(fd, on_readable, is_over)
  local queue, count = cqueues.new(), 0
  queue:wrap(function()
    local event = { pollfd = fd, events = "r" }
    while not is_over() do
      if cqueues.poll(event, PATIENCE) ~= event then gave_up() end
      count = count + 1
      on_readable()
    end
    cqueues.cancel(fd)
  end)
  assert(queue:loop())
  return count
end

function loops.luv(fd, on_readable, is_over)
  if is_over() then return 0 end
  local count, failed, problem = 0, false, nil
  -- The loop caches the time, and the cache is old after a pause.
  uv.update_time()
  local poll, patience = assert(uv.new_poll(fd)), uv.new_timer()
  local function finish()
    poll:close()
    patience:close()
  end
  -- An error in a callback would end the process.
  local function safely(fn)
    return function()
      local well, trouble = pcall(fn)
      if not well then failed, problem = true, trouble end
      if failed or is_over() then finish() end
    end
  end
  patience:start(PATIENCE * 1000, 0, safely(gave_up))
  poll:start("r", safely(function()
    count = count + 1
    patience:stop()
    patience:start(PATIENCE * 1000, 0, safely(gave_up))
    on_readable()
  end))
  uv.run()
  if failed then error(problem, 0) end
  return count
end

return loops
