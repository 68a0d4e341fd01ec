--- Actions of this library, as the benches make them: the booking's graph and state are known, so that its rules are
-- asked; the action has an input; hooks are set unless BENCH_HOOKS=no.
local core = require "timekit.core"
local documents = require "spec.bench.documents"
local timekit = require "timekit"

-- As in a process that has decoded for a while.
core.load_decoder()

local actions = {}

actions.TENTATIVE = { id = documents.ID, graph = "confirm_decline", state = "tentative" }

--- How often a hook was called.
actions.hooks_run = 0

actions.hooks = os.getenv("BENCH_HOOKS") ~= "no"

local function hook() actions.hooks_run = actions.hooks_run + 1 end

--- Makes a client.
-- @tparam table options as of `timekit.new`, which are added to
function actions.client(options)
  options.app_key = documents.KEY
  if actions.hooks then options.before, options.after = hook, hook end
  return timekit.new(options)
end

--- Confirms, one after the other.
-- @param tk a client
-- @tparam integer total
-- @tparam function answered is called with the results of each
function actions.one_after_the_other(tk, total, answered)
  for _ = 1, total do
    answered(tk:booking(actions.TENTATIVE):action("confirm", documents.INPUTS))
  end
end

--- Starts a confirmation.
-- @treturn Call
function actions.start(tk)
  return tk:booking(actions.TENTATIVE):start("confirm", documents.INPUTS)
end

--- Confirms, some at once: so many calls that each confirm one after the other, as lua-http's peer has it.
function actions.workers(tk, in_flight, total, answered)
  local started = 0
  local function work()
    while started < total do
      started = started + 1
      actions.one_after_the_other(tk, 1, answered)
    end
  end
  for _ = 1, in_flight do tk:start(work) end
  while tk:update(1) > 0 do end
end

--- Confirms, some at once, each by a call of its own that is started as soon as another is over.
function actions.many_at_once(tk, in_flight, total, answered)
  local started, begin = 0, nil
  local function ended(...)
    answered(...)
    if started < total then begin() end
  end
  function begin()
    started = started + 1
    actions.start(tk):on_done(ended)
  end
  for _ = 1, in_flight do begin() end
  while tk:update(1) > 0 do end
end

return actions
