--- The lines of journal and results: JSON with its fields in a fixed order. Pure: no I/O.
-- @module timekit.cli.bulk.record

local core = require "timekit.core"
local json = require "timekit.cli.json"

local record = {}

local concat, encode = table.concat, core.encode

-- An answer's body can have megabytes; the message says what counts.
local LEFT_OUT = { body = true, action = true }

-- Bytes of an error. Beyond it only the fields that are always there are kept: a server could name thousands of fields.
local LONGEST_ERROR = 4096
local KEPT = { kind = true, message = true, sent = true, status = true, request_id = true, retryable = true }

local function plain(err, wanted)
  local fields = {}
  for name, value in pairs(err) do
    if name == "cause" then
      fields.cause = plain(value, wanted)
    elseif not LEFT_OUT[name] and (not wanted or wanted[name]) then
      fields[name] = json.error_field(name, value)
    end
  end
  return fields
end

-- Texts of a server can be anything; what JSON cannot say is left out.
local function encoded(err)
  local ok, text = pcall(json.encode, plain(err))
  if ok and #text <= LONGEST_ERROR then return text end
  ok, text = pcall(json.encode, plain(err, KEPT))
  return ok and text or json.encode { kind = err.kind, message = "an error that cannot be written", sent = err.sent }
end

--- The text that begins a row's lines.
-- @tparam Row row
-- @treturn string
function record.head(row)
  local head, key = row.head, row.key
  if head then return head end
  head = concat({
    '{"row":', ("%d"):format(row.number), ',"id":', encode(row.id), key ~= nil and ',"key":' .. encode(key) or "",
    ',"action":', encode(row.action),
  })
  row.head = head
  return head
end

--- The line of a row's outcome, without its end.
-- @tparam Row row
-- @tparam string outcome `done`, `reconciled`, `failed`, `uncertain` or `skipped`
-- @tparam ?string state the booking's, if it is known
-- @tparam ?table err of `timekit.error`
-- @treturn string JSON
function record.outcome(row, outcome, state, err)
  return concat({
    record.head(row), ',"outcome":"', outcome, '"', type(state) == "string" and ',"state":' .. encode(state) or "",
    err and ',"error":' .. encoded(err) or "", "}",
  })
end

--- The line of an outcome with a field more.
-- @tparam string line
-- @tparam string name
-- @param value
-- @treturn string
function record.with(line, name, value)
  return concat({ line:sub(1, -2), ',"', name, '":', encode(value), "}" })
end

return record
