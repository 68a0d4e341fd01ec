--- Draws a graph as a state diagram of Mermaid, which hosts of Markdown show.
-- Pure: no I/O.
-- @module timekit.rules.picture.mermaid
local ascii = require "timekit.text.ascii"
local words = require "timekit.rules.picture.words"

local mermaid = {}

local PLAIN = "[" .. ascii.ALNUM .. "_ .,()]"

-- Mermaid's grammar differs from place to place in what it takes as text. Its entities pass everywhere.
local function escape(character)
  if #character > 1 or character:find(PLAIN) then return character end
  return "#" .. character:byte() .. ";"
end

local function text_of(name)
  return words.escaped(name, escape)
end

--- Draws.
-- @tparam table drawn as of `outline.of`
-- @treturn string
function mermaid.draw(drawn)
  local lines, ids, past = { "stateDiagram-v2" }, {}, {}
  for index, state in ipairs(drawn.states) do
    ids[state] = "s" .. index
    lines[#lines + 1] = ('  state "%s" as %s'):format(text_of(state.name), ids[state])
    if state.is_past then past[#past + 1] = ids[state] end
  end
  for _, state in ipairs(drawn.states) do
    if state.is_initial then lines[#lines + 1] = "  [*] --> " .. ids[state] end
  end
  for _, arrow in ipairs(drawn.arrows) do
    local delay = arrow.autoplay and " (" .. words.delay(arrow.autoplay) .. ")" or ""
    lines[#lines + 1] = ("  %s --> %s: %s"):format(ids[arrow.from], ids[arrow.to], text_of(arrow.action .. delay))
  end
  for _, state in ipairs(drawn.states) do
    if state.is_final then lines[#lines + 1] = "  " .. ids[state] .. " --> [*]" end
    if state.is_current then
      lines[#lines + 1] = "  classDef now fill:#1d4fc4,stroke:#1d4fc4,color:#ffffff"
      lines[#lines + 1] = "  class " .. ids[state] .. " now"
    end
  end
  if past[1] then
    lines[#lines + 1] = "  classDef past stroke-width:3px"
    lines[#lines + 1] = "  class " .. table.concat(past, ",") .. " past"
  end
  return table.concat(lines, "\n") .. "\n"
end

return mermaid
