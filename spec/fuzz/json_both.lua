--- JSON with simdjson and without it: the same values of the same types, or the same message. The first byte says how
-- much room is behind the text.
local bytes = require "spec.fuzz.bytes"
local core = require "timekit.core"

-- luacheck: globals cjson_decoder decode_buffer
local by_cjson = cjson_decoder(getmetatable(core.array()))

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return math.type(a) == math.type(b) and rawequal(a, b) end
  if getmetatable(a) ~= getmetatable(b) then return false end
  for key, item in next, a do
    if not same(item, b[key]) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

return function(input)
  local b = bytes.reader(input)
  local spare, text = b:byte(), b:rest()
  local expected, message = by_cjson(text)
  for _, value in ipairs{ { core.decode(text) }, { decode_buffer(text, spare) } } do
    assert(value[2] == message, value[2])
    assert(same(expected, value[1]), text)
  end
end
