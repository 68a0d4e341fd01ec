--- The first reading of the input: checks every row before anything is sent, counts them, and takes the file's hash.
-- @module timekit.cli.bulk.check

local failure = require "timekit.cli.failure"
local json = require "timekit.cli.json"
local rows = require "timekit.cli.bulk.rows"

local check = {}

-- Rows between two looks at signals.
local LOOK = 1000

-- Names a wrong row on standard error.
local function report(context, path, row)
  local message = ("%s:%d: %s"):format(path, row.line, row.problem)
  local format = context.args.output
  if format == "json" or format == "jsonl" then
    context:err(json.encode {
      kind = "input", message = message, line = row.line, row = row.number, id = row.id, sent = "no",
    } .. "\n")
  else
    context:err(("timekit: input: %s\n"):format(message:gsub("[%z\1-\31\127]", "?")))
  end
end

--- Checks all rows. Wrong ones are named on standard error as they are found.
-- @tparam Context context
-- @tparam Input input
-- @tparam table options of `timekit.cli.bulk.rows`
-- @tparam function is_interrupted
-- @treturn table|nil `rows`, `wrong`: their numbers; `size`, `sha256`; `actions`: action → number of rows. nil: it was
--   interrupted. Raises a failure when the file cannot be read
function check.run(context, input, options, is_interrupted)
  local chunks, finish = input:chunks()
  local next_row = rows.read(chunks, options)
  local found = { rows = 0, wrong = 0, actions = {} }
  while true do
    local ok, row = pcall(next_row)
    if not ok then failure.raise("failed", "%s", tostring(row)) end
    if not row then break end
    found.rows = found.rows + 1
    if row.problem then
      found.wrong = found.wrong + 1
      report(context, options.path, row)
    else
      found.actions[row.action] = (found.actions[row.action] or 0) + 1
    end
    if found.rows % LOOK == 0 and is_interrupted() then return nil end
  end
  -- After a wrong header, or a quote that is not closed, nothing more was read.
  while chunks() do end -- luacheck: ignore
  local name = finish()
  found.size, found.sha256 = name.size, name.sha256
  return found
end

return check
