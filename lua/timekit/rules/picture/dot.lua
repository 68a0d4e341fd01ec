--- Draws a graph in the language of graphviz.
-- Pure: no I/O.
-- @module timekit.rules.picture.dot
local words = require "timekit.rules.picture.words"

local dot = {}

-- Labels know escapes of their own (\N, \l) and entities of HTML (&amp;).
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["&"] = "&amp;" }

local function quote(text)
  return '"' .. words.escaped(text, function(character) return ESCAPES[character] or character end) .. '"'
end

local function state_line(id, state)
  local style = { "rounded" }
  if state.is_current then style[#style + 1] = "filled" end
  if state.is_past then style[#style + 1] = "bold" end
  if state.by_server then style[#style + 1] = "dotted" end
  return ("  %s [label=%s, style=%s%s%s];"):format(id, quote(state.name), quote(table.concat(style, ",")),
    state.is_final and ", peripheries=2" or "",
    state.is_current and ', fillcolor="#1d4fc4", fontcolor="#ffffff"' or "")
end

--- Draws.
-- @tparam table drawn as of `outline.of`
-- @treturn string
function dot.draw(drawn)
  local lines = {
    "digraph " .. quote(drawn.name) .. " {",
    "  rankdir=TB;",
    '  node [shape=box, style=rounded, fontname="monospace", fontsize=12];',
    '  edge [fontname="monospace", fontsize=11];',
    '  start [shape=point, width=0.12, label=""];',
  }
  local ids = {}
  for index, state in ipairs(drawn.states) do
    ids[state] = "s" .. index
    lines[#lines + 1] = state_line(ids[state], state)
    if state.is_initial then lines[#lines + 1] = "  start -> " .. ids[state] .. ";" end
  end
  for _, arrow in ipairs(drawn.arrows) do
    -- In a label, backslash and n is the end of a line: it stands between the quoted parts.
    local label = quote(arrow.action)
    if arrow.autoplay then label = label:sub(1, -2) .. "\\n" .. quote(words.delay(arrow.autoplay)):sub(2) end
    lines[#lines + 1] = ("  %s -> %s [label=%s%s%s];"):format(ids[arrow.from], ids[arrow.to], label,
      arrow.autoplay and ", style=dashed" or "", arrow.is_taken and ", penwidth=2" or "")
  end
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end

return dot
