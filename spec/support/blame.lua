--- Calls `fn`, which must raise, and checks that the error is blamed on a line of `fn` itself, so on the user's code.
-- @tparam function fn
-- @tparam ?string about what, for a failure's message
-- @treturn string the message without its position
return function(fn, about)
  local ok, message = pcall(fn)
  assert(not ok, "expected an error" .. (about and " about " .. about or ""))
  assert(type(message) == "string", "expected a text, got a " .. type(message))
  local info = debug.getinfo(fn, "S")
  local position, line, rest = message:match("^(.-):(%d+): (.*)$")
  assert(position == info.short_src, "blamed on another file: " .. message)
  line = tonumber(line)
  assert(line >= info.linedefined and line <= info.lastlinedefined, "blamed on another line: " .. message)
  return rest
end
