--- Judges a round of the queue's chaos by what the sandbox has recorded.
local truth = require "spec.chaos.truth"

local judge = {}

-- What each state says about how often the action took effect.
local EFFECTS = {
  done = { 1, 1 }, failed = { 0, 0 }, dead = { 0, 1 }, cancelled = { 0, 1 },
}

local function add(list, rule, text, ...)
  list[#list + 1] = { rule = rule, text = text:format(...) }
end

local function judge_job(list, job, state, effects, strays)
  if effects > 1 then add(list, "twice", "%s (%s) took effect %d times", job.id, job.action, effects) end
  if not state then return add(list, "lost", "%s was acknowledged, and is not known any more", job.id) end
  local range = EFFECTS[state]
  if not range then return add(list, "not over", "%s is still %s", job.id, state) end
  -- Behind an action that a person has resolved, nobody knows what state the booking was in.
  if effects <= 1 and not strays and (effects < range[1] or effects > range[2]) then
    add(list, "false", "%s (%s) is %s, and took effect %d times", job.id, job.action, state, effects)
  end
  if state == "failed" and not job.is_wrong and not strays then
    add(list, "order", "%s (%s) was possible in its turn, and failed", job.id, job.action)
  end
  if job.is_wrong and state == "done" then add(list, "false", "%s, which no graph has, is done", job.id) end
  -- The look tells nothing about an action that no graph has.
  if state == "dead" and not job.is_custom and not job.is_wrong then
    add(list, "dead", "%s of a known graph is dead", job.id)
  end
end

--- @tparam table round
-- @tparam table outcome `acknowledged`: id → true; `states`: id → state; `resolved`: id → true
-- @tparam table bookings of `GET /_sandbox/bookings`, in the order of the round's
-- @tparam table requests of `GET /_sandbox/requests`
-- @tparam table ids of the bookings, in the order of the round's
-- @treturn table a list of `rule`, `text`
function judge.round(round, outcome, bookings, requests, ids)
  local list, notes, by_id = {}, {}, {}
  for _, jobs in ipairs(round.jobs) do
    for _, job in ipairs(jobs) do
      notes[#notes + 1] = { marker = job.id }
      by_id[job.id] = job
    end
  end
  local all = truth.read(bookings, requests, notes)
  local strays = {}
  for id in pairs(outcome.resolved) do strays[by_id[id].booking] = true end
  for _, note in ipairs(notes) do
    local job = by_id[note.marker]
    local effects = #truth.of(all, job.id).applied
    if outcome.acknowledged[job.id] then
      judge_job(list, job, outcome.states[job.id], effects, strays[job.booking])
    elseif effects > 1 then
      add(list, "twice", "%s, which was never acknowledged, took effect %d times", job.id, effects)
    end
  end
  for index, id in ipairs(ids) do
    local last = 0
    for _, step in ipairs(all.bookings[id].history) do
      local job = step.marker and by_id[step.marker]
      if job and outcome.states[job.id] == "done" then
        if job.place < last then add(list, "order", "booking %d: %s came late", index, job.id) end
        last = math.max(last, job.place)
      end
    end
  end
  return list
end

return judge
