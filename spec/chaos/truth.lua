--- What really happened, from the sandbox's own records: which operation is behind each step of each booking.
--
-- Every action carries its operation's marker in the request's body, and every creation in the booking's `meta`. The
-- steps of a booking's history that the API made (`by` is "api") stand in the order in which the requests were dealt
-- with, and so do the requests in the sandbox's record; a request made a step exactly when the sandbox's own answer to
-- it was 200. So the n-th step by some action belongs to the n-th such request for that action, however many writers
-- there were and whatever was done to the answers on the way. That none is left over is checked.
local truth = {}

-- Of an action's body or of a new booking's.
local function marker_of(body)
  local meta = type(body) == "table" and type(body.meta) == "table" and body.meta or body
  local marker = type(meta) == "table" and meta.chaos
  return type(marker) == "string" and marker or nil
end

local function account_of(all, marker)
  all.operations[marker] = all.operations[marker] or { applied = {}, requests = 0 }
  return all.operations[marker]
end

-- The markers of the requests that made a step: booking → action → list, in order.
local function read_requests(all, requests)
  local made = {}
  for _, request in ipairs(requests) do
    local id, action = request.target:match("^/v2/bookings/([^/?]+)/([^/?]+)")
    local marker = marker_of(request.body) or "nobody"
    if request.method ~= "GET" then
      if marker ~= "nobody" and not all.notes[marker] then error("a request of another round has come: " .. marker) end
      local account = account_of(all, marker)
      account.requests = account.requests + 1
    end
    if id and request.status == 200 then
      made[id] = made[id] or {}
      made[id][action] = made[id][action] or {}
      table.insert(made[id][action], marker)
    end
  end
  return made
end

local function read_history(all, booking, made)
  for index, step in ipairs(booking.history) do
    if step.by == "api" and index > 1 then
      step.marker = made[step.action] and table.remove(made[step.action], 1)
      if not step.marker then
        error(("the sandbox's records disagree about booking %s, step %d"):format(booking.id, index))
      end
      table.insert(account_of(all, step.marker).applied, step)
    end
  end
  for action, left in pairs(made) do
    if #left > 0 then error(("the sandbox has no trace of %s of booking %s"):format(action, booking.id)) end
  end
end

--- Puts the records together.
-- @tparam table bookings of `GET /_sandbox/bookings`
-- @tparam table requests of `GET /_sandbox/requests`, complete
-- @tparam {table,...} notes of the operations
-- @treturn table `notes`: by marker; `bookings`: by id, with a `marker` in the steps of their histories; `operations`,
--   for `truth.of`
function truth.read(bookings, requests, notes)
  local all = { operations = {}, bookings = {}, notes = {} }
  for _, note in ipairs(notes) do all.notes[note.marker] = note end
  local made = read_requests(all, requests)
  for _, booking in ipairs(bookings) do
    all.bookings[booking.id] = booking
    read_history(all, booking, made[booking.id] or {})
    local marker = marker_of(booking.meta)
    if marker then table.insert(account_of(all, marker).applied, booking.history[1]) end
  end
  return all
end

--- What the records say of one operation.
-- @tparam table all from `truth.read`
-- @tparam string marker
-- @treturn table `applied`: the steps that its requests made, of a booking that it created the first; `requests`: how
--   many of them the sandbox got
function truth.of(all, marker)
  return account_of(all, marker)
end

return truth
