--- What a call returns as its second value when it failed.
-- Wrong use of the library raises instead; this table is for what the world does.
--
-- Kinds and fields are public interface, message texts are not. The fields:
--
-- * `kind` string: see the list below
-- * `message` string: one line
-- * `sent` string: `"no"` no byte of the request left this machine, `"maybe"`, or `"yes"` the server answered
-- * `retryable` boolean: whether the same call may be made again as it is, without the danger of a double effect
-- * `attempts` number: tries of the request; 0 when it was refused before sending
-- * `elapsed` number: seconds
-- * `status` number or nil: the HTTP status; `request_id` string or nil: what Timekit's support asks for
-- * `body` the decoded answer, or its text where it is not JSON (the first 64 KiB)
-- * `fields` table or nil: field → list of texts, where the server named the fields that it refused, or where they were
--   refused here
-- * `action`, `graph`, `state` string or nil; `state` is the one that the refusal is about
-- * `allowed` table or nil: the actions that are possible in `state`
-- * `already` boolean or nil: the booking is in a state that the action leads to; nil when that cannot be said
-- * `index` integer or nil: of a list that was refused before sending, the item that is to blame first
-- * `retry_after` number or nil: seconds, where the server's last word named them, or the client's own rate limit
-- * `cause` table or nil: the first failure that left the outcome in doubt, an error itself; of `uncertain`, and of
--   `cancelled` after such a doubt: the action may have been applied, and nobody looked any more
--
-- The kinds:
--
-- * `input`: refused before sending, by the graph's rules, or for a time or a search that is none
-- * `transition`: not possible in the booking's state, said by the rules or by the server
-- * `auth`: 401, 403; `not_found`: 404; `validation`: any other refusal of the request
-- * `rate_limited`: 429 and 503; of an action 503 only where it surely had no effect: with `Retry-After`, an
--   `x-ratelimit-…` header or a JSON object it is Timekit's; any other may be a gateway's, and leaves a doubt as 502
--   does
-- * `server`: another 5xx, on a read
-- * `network`: DNS, connect, TLS, a connection lost, or too many open files for a connection; `timeout`: the deadline
--   passed
-- * `response`: the answer is no use: not JSON, too large, cut off, a redirect, an unexpected shape; or the body of a
--   webhook is
-- * `uncertain`: an action or a creation that may have been applied
-- * `phase`: called in a phase of nginx that cannot wait
-- * `cancelled`: by the caller, who may also have closed the client; `sent` and `cause` tell what may have happened
-- @module timekit.error

local Error = {}

local LONGEST_MESSAGE = 500
local LONGEST_TEXT = 999
local LONGEST_BODY = 64 * 1024

local metatable = { __name = "timekit.error" }

-- Cuts at a character, not within one.
local function cut(text, limit)
  if #text <= limit then return text end
  local last = limit
  while last > 0 and text:byte(last + 1) >= 128 and text:byte(last + 1) < 192 do last = last - 1 end
  return text:sub(1, last)
end

-- Terminals and logs act on control characters and line ends, the ones beyond ASCII included.
local function one_line(text, limit)
  text = text:gsub("%c+", " "):gsub("\194[\128-\159]", " "):gsub("\226\128[\168\169]", " ")
  -- Not by gsub(" +$"), which takes the square of a text that is full of spaces.
  local first = text:find("[^ ]")
  text = first and text:sub(first):match("^.*[^ ]") or ""
  if #text <= limit then return text end
  return cut(text, limit - 3) .. "..."
end

--- Makes an error.
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

--- Makes an error of an operation of which nothing was sent.
-- @tparam table fields `kind`, `message` and whatever else is known; it becomes the error itself
-- @treturn table the error
function Error.unsent(fields)
  fields.sent, fields.attempts, fields.elapsed = "no", 0, 0
  return Error.new(fields)
end

--- Is a value an error of this module?
-- @tparam any value
-- @treturn boolean
function Error.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

function metatable:__tostring()
  local notes = {}
  if self.status then notes[#notes + 1] = "HTTP " .. tostring(self.status) end
  if self.retry_after then notes[#notes + 1] = ("retry after %s s"):format(tostring(self.retry_after)) end
  if self.request_id then notes[#notes + 1] = "request " .. tostring(self.request_id) end
  local text = ("timekit: %s: %s"):format(tostring(self.kind), tostring(self.message))
  if #notes > 0 then text = ("%s (%s)"):format(text, table.concat(notes, ", ")) end
  return one_line(text, LONGEST_TEXT)
end

return Error
