--- Redis's answers are read alike in whatever pieces they come, and what is no answer raises a text and nothing else.
-- The first bytes say where the input is split; the rest are the bytes of a server.
local bytes = require "spec.fuzz.bytes"
local resp = require "timekit.redis.resp"

local function same(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then return one == other or one ~= one and other ~= other end
  for key, value in pairs(one) do
    if not same(value, other[key]) then return false end
  end
  for key in pairs(other) do
    if one[key] == nil then return false end
  end
  return true
end

-- The answers of these pieces, and what was raised after them.
local function read(pieces)
  local decoder, answers = resp.decoder(), {}
  for _, piece in ipairs(pieces) do
    decoder:feed(piece)
    while true do
      local ok, there, value = pcall(decoder.next, decoder)
      if not ok then return answers, there end
      if not there then break end
      answers[#answers + 1] = value
    end
  end
  return answers
end

return function(input)
  local b = bytes.reader(input)
  local sizes = {}
  for index = 1, b:byte() % 8 do sizes[index] = b:byte() + 1 end
  local text = b:rest()
  local pieces, single, at = {}, {}, 1
  for _, size in ipairs(sizes) do
    pieces[#pieces + 1] = text:sub(at, at + size - 1)
    at = at + size
  end
  pieces[#pieces + 1] = text:sub(at)
  for index = 1, #text do single[index] = text:sub(index, index) end
  local whole, problem = read { text }
  assert(problem == nil or type(problem) == "string" and problem:find "^not an answer of Redis")
  for _, other in ipairs { pieces, single } do
    local answers, also = read(other)
    assert(same(whole, answers), "other answers")
    assert(problem == also, "another problem")
  end
end
