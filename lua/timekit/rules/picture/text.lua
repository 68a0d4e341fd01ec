--- Draws a graph as a tree of text, for a terminal.
-- Pure: no I/O.
-- @module timekit.rules.picture.text
local words = require "timekit.rules.picture.words"

local text = {}

local function shown(state)
  local remarks = {}
  if state.is_current then remarks[#remarks + 1] = "now" end
  if state.is_past then remarks[#remarks + 1] = "past" end
  if state.is_final then remarks[#remarks + 1] = "final" end
  if state.by_server then remarks[#remarks + 1] = "set by the server" end
  return state.name .. (remarks[1] and " (" .. table.concat(remarks, ", ") .. ")" or "")
end

local add_leaving

-- Adds the line of an arrow, and below it what leaves the state that it leads to.
local function add_arrow(lines, arrow, indent, is_last, drawn)
  local is_known = drawn[arrow.to] and arrow.to.leaving[1]
  lines[#lines + 1] = indent .. (is_last and "└─ " or "├─ ") .. arrow.action .. " → " .. shown(arrow.to)
    .. (is_known and ", see above" or "") .. (arrow.autoplay and ", " .. words.plays(arrow.autoplay) or "")
  if not drawn[arrow.to] then add_leaving(lines, arrow.to, indent .. (is_last and "   " or "│  "), drawn) end
end

function add_leaving(lines, state, indent, drawn)
  drawn[state] = true
  for index, arrow in ipairs(state.leaving) do
    add_arrow(lines, arrow, indent, index == #state.leaving, drawn)
  end
end

--- Draws.
-- @tparam table drawn as of `outline.of`
-- @treturn string lines, each with its end
function text.draw(drawn)
  local lines, done = { drawn.name, "" }, {}
  for _, state in ipairs(drawn.states) do
    if not done[state] then
      lines[#lines + 1] = shown(state)
      add_leaving(lines, state, "", done)
    end
  end
  return words.escaped(table.concat(lines, "\n") .. "\n", function(character) return character end)
end

return text
