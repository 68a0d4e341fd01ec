--- What a method returns as its second value when it failed.
-- It is for failures that the caller cannot prevent. Wrong use of the library raises instead.
--
-- As text it is one line, for `tostring(err)`, `print(err)` and `"not confirmed: " .. err` alike. Lua 5.1's
-- `("%s"):format(err)` and `error(err)` outside of any `pcall` need `tostring(err)`.
--
-- Kinds and fields are public interface, message texts are not. The fields are those of `Error`.
--
-- The kinds:
--
-- * `input`: refused before sending, by the graph's rules, or for an invalid time or search
-- * `transition`: not possible in the booking's state, said by the rules or by the server
-- * `auth`: 401, 403; `not_found`: 404; `validation`: any other refusal of the request
-- * `rate_limited`: 429 and 503. The 503 of an action counts only if it comes from Timekit itself, since the action
--   then surely had no effect: it has `Retry-After`, an `x-ratelimit-…` header or a JSON object. Any other 503 may come
--   from a gateway and leaves the outcome in doubt, as 502 does
-- * `server`: another 5xx, on a read
-- * `network`: DNS, connect, TLS, a connection lost, or too many open files for a connection; `timeout`: the deadline
--   passed
-- * `response`: the answer cannot be used: not JSON, too large, cut off, a redirect, an unexpected shape. Also for the
--   body of a webhook
-- * `uncertain`: an action or a creation that may have been applied
-- * `phase`: called where the host cannot wait: in some phases of nginx, in fetches of HAProxy
-- * `cancelled`: by the caller, also by closing the client; `sent` and `cause` tell what may have happened
-- @module timekit.error

local ascii = require "timekit.text.ascii"

local Error = {}

local LONGEST_MESSAGE = 500
local LONGEST_TEXT = 999
local LONGEST_BODY = 64 * 1024

local metatable = { __name = "timekit.error" }

-- Cuts between two characters of UTF-8, never inside one.
local function cut(text, limit)
  if #text <= limit then return text end
  local last = limit
  while last > 0 and text:byte(last + 1) >= 128 and text:byte(last + 1) < 192 do last = last - 1 end
  return text:sub(1, last)
end

local CONTROL = "[" .. ascii.CONTROL .. "]+"
-- A text that is one line already: no control character, nothing beyond ASCII, no space at its ends.
local PLAIN = "^[!-~][ -~]*$"

-- Terminals and logs act on control characters and line ends, also on those beyond ASCII.
local function one_line(text, limit)
  if #text <= limit and text:find(PLAIN) and text:byte(-1) ~= 32 then return text end
  text = text:gsub(CONTROL, " "):gsub("\194[\128-\159]", " "):gsub("\226\128[\168\169]", " ")
  -- Not gsub(" +$"): its time grows with the square of the number of spaces.
  local first = text:find("[^ ]")
  text = first and text:sub(first):match("^.*[^ ]") or ""
  if #text <= limit then return text end
  return cut(text, limit - 3) .. "..."
end

--- An error.
-- @table Error
-- @tfield ErrorKind kind
-- @tfield string message one line, for people
-- @tfield Sent sent `"no"`: no byte of the request left this machine; `"maybe"`; `"yes"`: the server answered
-- @tfield boolean retryable the same may be asked for again, without the danger of a double effect
-- @tfield integer attempts tries of the request; 0 when it was refused before sending
-- @tfield number elapsed seconds
-- @tfield ?integer status the HTTP status
-- @tfield ?string request_id what Timekit's support asks for
-- @tfield ?any body the decoded answer, or its text where it is not JSON (the first 64 KiB)
-- @tfield ?{[string]={string,...}} fields field → list of texts, where the server named the fields that it refused, or
--   where they were refused here
-- @tfield ?ActionName|string action
-- @tfield ?GraphName|string graph
-- @tfield ?State|string state the one in which the action was refused
-- @tfield ?{string,...} allowed the actions that are possible in `state`
-- @tfield ?boolean already the booking is in a state that the action leads to; nil where that is not known
-- @tfield ?string code a Redis's own word for its refusal, such as `OOM`; of a queue also `FULL` and `UNFIT`
-- @tfield ?string id of a job that may or may not have been added to a queue
-- @tfield ?integer index the first wrong item of a list that was refused before sending
-- @tfield ?number retry_after seconds to wait, where the last answer or the client's own rate limit names them
-- @tfield ?Error cause the first failure that left the outcome in doubt. An `uncertain` error has one. So has a
--   `cancelled` one if the outcome was in doubt by then: the action may have been applied

--- Makes an error.
-- @local
-- The message becomes one line of at most 500 bytes and a body that is text is cut to 64 KiB.
-- @tparam table fields `kind`, `message`, `sent` and whatever else is known; it becomes the error itself
-- @treturn table the error; `tostring(err)` is one line of fewer than 1,000 bytes without control characters
-- @usage
-- local booking, err = tk:booking(id):action("confirm")
-- if not booking and err.kind == "transition" and err.already then return true end
function Error.new(fields)
  fields.message = one_line(fields.message, LONGEST_MESSAGE)
  fields.retryable = fields.retryable or false
  if type(fields.body) == "string" then fields.body = cut(fields.body, LONGEST_BODY) end
  if fields.cause then Error.new(fields.cause) end
  return setmetatable(fields, metatable)
end

--- Makes the error of something that was never sent: `sent` is `"no"`, `attempts` and `elapsed` are 0.
-- @local
-- @tparam table fields `kind`, `message` and whatever else is known; it becomes the error itself
-- @treturn table the error, as of `new`
-- @usage
-- return nil, Error.unsent { kind = "input", message = "end: expected a time after start" }
function Error.unsent(fields)
  fields.sent, fields.attempts, fields.elapsed = "no", 0, 0
  return Error.new(fields)
end

--- Makes the error of an operation that was answered, but whose answer cannot be used.
-- @local
-- @tparam table info `status`, `request_id`, `attempts` and `elapsed` of the operation
-- @tparam table fields `kind`, `message` and whatever else is known; it becomes the error itself
-- @treturn table the error, as of `new`
-- @usage
-- return nil, Error.answered(info, { kind = "response", message = "the answer holds no links" })
function Error.answered(info, fields)
  fields.sent, fields.status, fields.request_id = "yes", info.status, info.request_id
  fields.attempts, fields.elapsed = info.attempts, info.elapsed
  return Error.new(fields)
end

--- Is a value an error of this module?
-- @tparam any value
-- @treturn boolean
-- @usage
-- local Error = require "timekit.error"
-- local _, err = tk:booking("no such id"):confirm()
-- Error.is(err)   --> true
function Error.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

function metatable:__tostring()
  local notes = {}
  if self.status then notes[#notes + 1] = "HTTP " .. tostring(self.status) end
  local after = self.retry_after
  if after then
    notes[#notes + 1] = ("retry after %s s"):format(type(after) == "number" and ascii.number(after) or tostring(after))
  end
  if self.request_id then notes[#notes + 1] = "request " .. tostring(self.request_id) end
  local text = ("timekit: %s: %s"):format(tostring(self.kind), tostring(self.message))
  if #notes > 0 then text = ("%s (%s)"):format(text, table.concat(notes, ", ")) end
  return one_line(text, LONGEST_TEXT)
end

-- Other values raise, as they do beside a plain text.
local function check_text(value)
  local is_text = type(value) == "string" or type(value) == "number" or Error.is(value)
  if not is_text then error(("attempt to concatenate a %s value"):format(type(value)), 3) end
end

function metatable.__concat(left, right)
  check_text(left)
  check_text(right)
  return tostring(left) .. tostring(right)
end

return Error
