--- What the program itself refuses: wrong use, no key, a file that cannot be read. It is raised, and `timekit.cli.main`
-- prints it as it prints an error of the API.
-- @module timekit.cli.failure

local failure = {}

local metatable = { __name = "timekit.cli.failure" }

function metatable:__tostring()
  return ("timekit: %s: %s"):format(self.kind, self.message)
end

--- Makes a failure.
-- @tparam string kind `usage`, `auth`, `failed`, or a kind of `timekit.error`; see `timekit.cli.exits`
-- @tparam string message becomes one line; it may show what the user has written
-- @treturn table
function failure.new(kind, message)
  return setmetatable({ kind = kind, message = (message:gsub("[%z\1-\31\127]", " ")), sent = "no" }, metatable)
end

--- Raises a failure.
-- @tparam string kind as for `new`
-- @tparam string message likewise; with further arguments a format for them
-- @param ... for the format
-- @usage failure.raise("usage", "%s: expected a number, got '%s'", "--limit", text)
function failure.raise(kind, message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  error(failure.new(kind, message), 0)
end

-- What the module's methods call themselves in what they raise: `client:booking`, `timekit.new`.
local RAISED = "^(%l+)[%l_.:]*: (.*)$"
local OURS = { client = true, booking = true, picture = true, queue = true, timekit = true }

--- What a method of the module says about wrong use, without the line and the method, which users have not seen.
-- @param problem what was raised
-- @treturn string|nil nil: it is no wrong use of a method
function failure.message(problem)
  -- A call that ends a function is blamed on no line.
  local text = tostring(problem)
  local method, message = (text:match "^[^\n]-:%d+: (.*)$" or text):match(RAISED)
  return method and OURS[method] and message or nil
end

--- Raises again what was raised: as wrong use, if a method of the module was called with what the user gave.
-- @param problem
function failure.again(problem)
  local message = type(problem) == "string" and failure.message(problem)
  if message then failure.raise("usage", "%s", message) end
  error(problem, 0)
end

--- Calls a function that uses the module with what the user gave.
-- Raises a failure for wrong use.
-- @tparam function fn
-- @return the first two values that it returns
function failure.guard(fn)
  local ok, first, second = pcall(fn)
  if not ok then failure.again(first) end
  return first, second
end

--- Is a value a failure?
-- @param value
-- @treturn boolean
function failure.is(value)
  return getmetatable(value) == metatable
end

return failure
