--- JSON: whatever decodes survives encoding and decoding, and whatever is encoded decodes. The first byte says which
-- way round: arbitrary text, or a value built from the bytes.
local bytes = require "spec.fuzz.bytes"
local core = require "timekit.core"

local HUGE = 2 ^ 53

local function is_clean(message)
  return type(message) == "string" and message ~= "" and not message:find("%c")
end

local function is_list(value)
  return core.is_array(value) or rawlen(value) > 0
end

-- Whether `back` is what JSON makes of `value`.
local function same(value, back)
  if type(value) ~= "table" then
    -- Beyond it integers come back as floats, the nearest ones.
    if math.type(value) == "integer" and math.abs(value) >= HUGE then value = value + 0.0 end
    return value == back
  end
  if type(back) ~= "table" or is_list(value) ~= is_list(back) then return false end
  for key, item in next, value do
    if back[key] == nil or not same(item, back[key]) then return false end
  end
  for key in next, back do
    if rawget(value, key) == nil then return false end
  end
  return true
end

local function decode(text)
  local value, message = core.decode(text)
  assert(value ~= nil, message)
  return value
end

local function check_text(text)
  local value, message = core.decode(text)
  if value == nil then
    assert(is_clean(message), message)
    return
  end
  local again, problem, reason = core.encode(value)
  if not again then
    -- Broken UTF-8 is passed on by decode and refused by encode, on purpose.
    assert(reason == "type" and problem:find("invalid UTF-8", 1, true), problem)
    return
  end
  assert(same(value, decode(again)), again)
end

local SCALARS = {
  function(b) return b:byte() - 128 end,
  function(b) return b:byte() % 2 == 0 end,
  function(b) return (string.unpack("<d", b:take(8) .. ("\0"):rep(8))) end,
  function(b) return (string.unpack("<i8", b:take(8) .. ("\0"):rep(8))) end,
  function(b) return b:byte() / 10 end,
  function(b) return b:string() end,
  function(b) return b:string() end,
  function(b) return "\u{e9}\u{20ac}\u{1f600}" .. b:string() end,
  function() return core.null end,
  function() return print end,
  function() return io.stdout end,
}

local build

local function build_list(b, depth, seen)
  local list = {}
  for index = 1, b:byte() % 8 do list[index] = build(b, depth, seen) end
  return list
end

local TABLES = {
  build_list,
  function(b, depth, seen) return core.array(build_list(b, depth, seen)) end,
  function(b, depth, seen)
    local object = {}
    for _ = 1, b:byte() % 8 do object[b:string()] = build(b, depth, seen) end
    return object
  end,
  -- What JSON has no place for: holes, mixed keys, tables again inside themselves, metamethods.
  function(b, depth, seen)
    local mixed = {}
    for _ = 1, b:byte() % 4 do
      local key = b:pick(SCALARS)(b)
      if key == key then mixed[key] = build(b, depth, seen) end
    end
    return mixed
  end,
  function(b, _, seen) return #seen > 0 and b:pick(seen) or {} end,
  function(b, depth, seen)
    local function forbidden() error("a metamethod was called") end
    return setmetatable(build_list(b, depth, seen),
      { __index = forbidden, __len = forbidden, __pairs = forbidden, __newindex = forbidden })
  end,
  function(b, depth, seen)
    local deep = build(b, depth, seen)
    for _ = 1, b:byte() % 70 do deep = { deep } end
    return deep
  end,
}

function build(b, depth, seen)
  if depth >= 6 or not b:more() or b:byte() % 3 == 0 then return b:pick(SCALARS)(b) end
  local made = b:pick(TABLES)(b, depth + 1, seen)
  if type(made) == "table" then
    seen[#seen + 1] = made
    if b:byte() == 255 then rawset(made, 1, b:pick(seen)) end
  end
  return made
end

local function check_failure(problem, reason, root)
  assert(is_clean(problem) and problem:sub(1, #root) == root, problem)
  assert(reason == "type" or reason == "size", reason)
end

local function check_value(b)
  local limit = b:byte() * 16
  local value = build(b, 0, {})
  local text, problem, reason = core.encode(value, "inputs")
  local short, short_problem, short_reason = core.encode(value, "inputs", limit)
  if not text then
    check_failure(problem, reason, "inputs")
    assert(reason == "type", reason)
    check_failure(short_problem, short_reason, "inputs")
    return
  end
  assert(same(value, decode(text)), text)
  if #text <= limit then
    assert(short and #short == #text, short_problem)
  else
    assert(short == nil and short_reason == "size", short)
    check_failure(short_problem, short_reason, "inputs")
  end
end

return function(input)
  local b = bytes.reader(input)
  if b:byte() % 2 == 0 then check_text(b:rest()) else check_value(b) end
end
