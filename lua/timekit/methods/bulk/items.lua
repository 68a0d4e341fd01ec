--- The items of a bulk request: one record for each, from what was asked to what became of it.
--
-- A record has its `operation`, which is what the item would be by itself (see `timekit.call.retry`), and then:
--
-- * `booking`: the item was done, and this is the booking
-- * `failure`: the item was refused; the fields of the error
-- * `doubt`: the answer did not tell; the fields of the error that says why
-- * `info`: of a `booking` or, without one, the finished error; nil before anything was read about the item
-- @module timekit.methods.bulk.items

local Error = require "timekit.error"
local judge = require "timekit.methods.bulk.judge"
local messages = require "timekit.text.messages"
local response = require "timekit.http.response"

local items = {}

--- Raises unless a value is a list. `what`: what such a list holds; errors name `where` and blame `level`.
function items.check_list(list, what, where, level)
  local count = 0
  if type(list) == "table" then
    for _ in next, list do count = count + 1 end
    if count == #list then return end
  end
  error(("%s: expected a list of %s, got %s"):format(
    where, what, type(list) == "table" and "a table with other keys" or messages.describe(list)), level)
end

--- Notes in each record what the answer says about it.
-- @tparam table bulk `items`, `whole`
-- @tparam table data the entries of the answer
function items.take_answer(bulk, data)
  local verdicts = judge.answer(data, bulk.items, bulk.whole)
  for index, item in ipairs(bulk.items) do
    local verdict = verdicts[index]
    item.booking, item.failure, item.doubt = verdict.booking, verdict.failure, verdict.doubt
  end
end

-- An item's own error, which has the attempts and the time of the request, or of the read.
local function finished(bulk, fields, of)
  fields.attempts, fields.elapsed = of.attempts, of.elapsed
  return Error.new(bulk.client.runner.redact(fields))
end

--- The error of an item whose outcome is not known.
-- @tparam table bulk `client`, `whole`
-- @tparam table item
-- @tparam table cause the failure that left it in doubt
-- @tparam ?table booking as it was last seen
-- @treturn table
function items.uncertain(bulk, item, cause, booking)
  return finished(bulk, response.uncertain(item.operation, cause, booking), item.info or bulk.whole)
end

local function result_of(bulk, item, undone)
  local booking = item.booking
  if booking and undone then
    item.operation.effect = "the booking is still there"
    return { nil, items.uncertain(bulk, item, item.doubt or judge.untold(bulk.whole, bulk.undoes), booking) }
  end
  if booking then return { booking, item.info or bulk.whole } end
  if item.info then return { nil, item.info } end
  if item.doubt then return { nil, items.uncertain(bulk, item, item.doubt) } end
  return { nil, finished(bulk, item.failure, bulk.whole) }
end

--- The results, once nothing more will be found out.
-- Where one failure takes all items back, the server may do that at any time: then no booking's state is the last word.
-- @tparam table bulk `client`; `items`; `whole`: `info` of the request, or its error; `undoes`: where one failure takes
--   all items back, a text that says so
-- @treturn table `{ booking, info }` or `{ nil, err }` for each item, and the counts `done` and `failed`
function items.results(bulk)
  local failed = 0
  for _, item in ipairs(bulk.items) do
    if not item.booking then failed = failed + 1 end
  end
  local undone = bulk.undoes and failed > 0
  local results = { done = #bulk.items, failed = undone and #bulk.items or failed }
  for index, item in ipairs(bulk.items) do results[index] = result_of(bulk, item, undone) end
  return results
end

return items
