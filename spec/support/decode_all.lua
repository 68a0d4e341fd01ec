--- A program that decodes texts: `decode_all.lua CPATH FILE`. CPATH is where the core is; FILE holds the texts, each
-- behind its length. It prints the decoder's name, then what it made of each text, in the same form.
local decode_all = {}

local show = require "spec.support.show"

--- Writes texts into one text. They may hold any bytes.
-- @tparam {string,…} texts
-- @treturn string
function decode_all.pack(texts)
  local parts = {}
  for i, text in ipairs(texts) do parts[i] = #text .. ":" .. text end
  return table.concat(parts)
end

--- Reads what `pack` wrote.
-- @tparam string packed
-- @treturn {string,…}
function decode_all.unpack(packed)
  local texts, at = {}, 1
  while at <= #packed do
    local size, start = packed:match("^(%d+):()", at)
    texts[#texts + 1] = packed:sub(start, start + size - 1)
    at = start + size
  end
  return texts
end

--- Everything that matters about what a core makes of a text.
-- @tparam table core
-- @tparam string text
-- @treturn string
function decode_all.outcome(core, text)
  local value, message = core.decode(text)
  return value == nil and "nil " .. message or show(core, value)
end

if arg[0]:find("decode_all%.lua$") then
  package.cpath = arg[1] .. ";" .. package.cpath
  local core = require "timekit.core"
  local file = assert(io.open(arg[2], "rb"))
  local outcomes = { core.load_decoder() }
  for _, text in ipairs(decode_all.unpack(file:read("*a"))) do
    outcomes[#outcomes + 1] = decode_all.outcome(core, text)
  end
  file:close()
  io.write(decode_all.pack(outcomes))
end

return decode_all
