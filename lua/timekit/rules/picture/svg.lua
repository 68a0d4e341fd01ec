--- Draws a graph as an SVG that follows the reader's light or dark scheme, and prints.
-- Pure: no I/O.
-- @module timekit.rules.picture.svg
local ascii = require "timekit.text.ascii"
local layout = require "timekit.rules.picture.layout"
local words = require "timekit.rules.picture.words"

local svg = {}

local MARGIN, START = 16, 30 -- around everything; above the first row, for the dot where a booking begins
local STATE_HEIGHT, STATE_PADDING = 34, 16
local NAME_COLUMN, LABEL_COLUMN, NOTE_COLUMN = 8.1, 7.5, 6.9 -- the widest that common fonts need at 13, 12 and 11 px
local LABEL_LINE, NOTE_LINE, LABEL_PADDING = 17, 15, 4
local HEAD = 7
local PORT = 26 -- at most between two lines that leave the same state
local LIMIT = 40 -- columns of a name

local STYLE = [[
.tk-graph{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:13px}
.tk-ground{fill:#fff}
.tk-box{fill:#f6f8fb;stroke:#7d879a;stroke-width:1.25}
.tk-ring,.tk-line{fill:none;stroke:#7d879a;stroke-width:1.25}
.tk-head,.tk-start{fill:#7d879a;stroke:none}
.tk-label{fill:none;stroke:none;pointer-events:all}
.tk-name{fill:#1b2130}
.tk-action text{fill:#414b5c;font-size:12px}
.tk-graph .tk-note{fill:#5b6577;font-size:11px;font-weight:normal}
.tk-auto .tk-line{stroke-dasharray:5 4}
.tk-server .tk-box,.tk-server .tk-ring{stroke-dasharray:2 3}
.tk-past .tk-box{fill:#e4ecfd;stroke:#1d4fc4}
.tk-past .tk-ring{stroke:#1d4fc4}
.tk-taken .tk-line{stroke:#1d4fc4;stroke-width:2}
.tk-taken .tk-head{fill:#1d4fc4}
.tk-now .tk-box{fill:#1d4fc4;stroke:#1d4fc4;stroke-width:2}
.tk-now .tk-ring{stroke:#fff}
.tk-now .tk-name{fill:#fff;font-weight:bold}
.tk-possible text{fill:#1d4fc4;font-weight:bold}
@media (prefers-color-scheme:dark){
.tk-ground{fill:#14181f}
.tk-box{fill:#1d232d;stroke:#77839a}
.tk-ring,.tk-line{stroke:#77839a}
.tk-head,.tk-start{fill:#77839a}
.tk-name{fill:#e8ebf1}
.tk-action text{fill:#c3cad6}
.tk-graph .tk-note{fill:#9ca7b9}
.tk-past .tk-box{fill:#1f2e52;stroke:#8fb0ff}
.tk-past .tk-ring{stroke:#8fb0ff}
.tk-taken .tk-line{stroke:#8fb0ff}
.tk-taken .tk-head{fill:#8fb0ff}
.tk-now .tk-box{fill:#8fb0ff;stroke:#8fb0ff}
.tk-now .tk-ring{stroke:#14181f}
.tk-now .tk-name{fill:#0b1120}
.tk-possible text{fill:#8fb0ff}
}
]]

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escape(text)
  return words.escaped(text, function(character) return ESCAPES[character] or character end)
end

local function number(value)
  return ascii.number(value, 7)
end

-- Puts numbers and texts, which are escaped already, in the places of `%1`, `%2` and so on.
local function filled(template, ...)
  local values = { ... }
  for index, value in ipairs(values) do
    values[index] = type(value) == "number" and number(value) or value
  end
  return (template:gsub("%%(%d)", function(index) return values[tonumber(index)] end))
end

local function classes(list)
  local names = {}
  for _, pair in ipairs(list) do
    if pair[2] then names[#names + 1] = "tk-" .. pair[1] end
  end
  return table.concat(names, " ")
end

-- A line of text in the middle of a box. What is not Latin may come from a font with other widths, and is then fitted.
local function text_line(class, x, y, text, columns, column)
  local fit = text:find("[\128-\255]") and filled(' textLength="%1" lengthAdjust="spacingAndGlyphs"', columns * column)
  return filled('<text class="%1" x="%2" y="%3" text-anchor="middle"%4>%5</text>',
    class, x, y, fit or "", escape(text))
end

local function measure_state(state)
  local name, columns = words.fitted(state.name, LIMIT)
  state.shown, state.columns = name, columns
  local width = columns * NAME_COLUMN
  if state.by_server then width = math.max(width, #"set by the server" * NOTE_COLUMN) end
  return { width = width + 2 * STATE_PADDING, height = STATE_HEIGHT + (state.by_server and 10 or 0) }
end

local function measure_label(arrow)
  local name, columns = words.fitted(arrow.action, LIMIT)
  arrow.shown, arrow.columns = name, columns
  arrow.note = arrow.autoplay and words.delay(arrow.autoplay)
  local width = columns * LABEL_COLUMN
  if arrow.note then width = math.max(width, #arrow.note * NOTE_COLUMN) end
  return { width = width + 2 * LABEL_PADDING, height = LABEL_LINE + (arrow.note and NOTE_LINE or 0) }
end

-- Where lines meet a state's upper or lower side: one port for each, in the order of what they lead to.
local function add_ports(item, side)
  local neighbours = {}
  for index, neighbour in ipairs(item[side]) do neighbours[index] = neighbour end
  table.sort(neighbours, function(a, b) return a.position < b.position end)
  local distance = math.min(PORT, (item.width - 2 * STATE_PADDING) / math.max(1, #neighbours - 1))
  item.ports = item.ports or {}
  for index, neighbour in ipairs(neighbours) do
    item.ports[neighbour] = item.x + (index - (#neighbours + 1) / 2) * distance
  end
end

-- Where the line between an item and a neighbour touches the item.
local function port(item, neighbour)
  return item.ports and item.ports[neighbour] or item.x
end

local function upper_edge(item)
  return item.y - item.height / 2
end

local function lower_edge(item)
  return item.y + item.height / 2
end

-- From one item to the one below: a curve between the rows, and straight lines where an item is lower than its row.
local function curve_down(upper, lower, is_to_head)
  local x1, y1, x2, y2 = port(upper, lower), upper.bottom, port(lower, upper), lower.top
  local stop = upper_edge(lower) - (is_to_head and HEAD or 0)
  local path = filled("M%1 %2V%3", x1, lower_edge(upper), y1)
  local bend = is_to_head and math.min(y2, stop) or y2
  if math.abs(x1 - x2) < 0.5 then return path .. filled("V%1", stop) end
  local middle = (y1 + bend) / 2
  return path .. filled("C%1 %2 %3 %2 %3 %4V%5", x1, middle, x2, bend, stop)
end

local function head_down(x, y)
  return filled("M%1 %2L%3 %2L%4 %5Z", x - HEAD / 2, y - HEAD, x + HEAD / 2, x, y)
end

local function head_up(x, y)
  return filled("M%1 %2L%3 %2L%4 %5Z", x - HEAD / 2, y + HEAD, x + HEAD / 2, x, y)
end

-- An arrow from a state to itself: down to its label, and back up.
local function loop(state, label)
  local x, y, aside = port(state, label), lower_edge(state), math.min(PORT, label.width) / 2
  local bend = (state.bottom + label.top) / 2
  local left, right = label.x - aside / 2, label.x + aside / 2
  local path = filled("M%1 %2C%1 %3 %4 %3 %4 %5M%6 %5C%6 %3 %7 %3 %7 %8",
    x - 3, y, bend, left, upper_edge(label), right, x + 3, y + HEAD)
  return path, head_up(x + 3, y)
end

-- The path of an arrow, and that of its head.
local function lines(arrow)
  local upper, lower = arrow.from.item, arrow.to.item
  if upper == lower then return loop(upper, arrow.label) end
  if arrow.is_back then upper, lower = lower, upper end
  local parts, previous = {}, upper
  for _, item in ipairs(arrow.items) do
    if item.height == 0 then
      -- Straight through the row.
      parts[#parts + 1] = filled("M%1 %2V%3", item.x, item.top, item.bottom)
      item.height, item.y = item.bottom - item.top, (item.top + item.bottom) / 2
    end
    parts[#parts + 1] = curve_down(previous, item, false)
    previous = item
  end
  parts[#parts + 1] = curve_down(previous, lower, not arrow.is_back)
  if not arrow.is_back then return table.concat(parts), head_down(port(lower, previous), upper_edge(lower)) end
  return table.concat(parts), head_up(port(upper, arrow.items[1]), lower_edge(upper))
end

local function draw_arrow(arrow)
  local label = arrow.label
  local path, head = lines(arrow)
  local top = upper_edge(label)
  local parts = {
    filled('<g class="%1" data-action="%2" data-from="%3" data-to="%4">', classes {
      { "action", true }, { "auto", arrow.autoplay }, { "taken", arrow.is_taken }, { "possible", arrow.is_possible },
    }, escape(arrow.action), escape(arrow.from.name), escape(arrow.to.name)),
    filled("<title>%1: %2 → %3%4%5</title>", escape(arrow.action), escape(arrow.from.name), escape(arrow.to.name),
      arrow.by and ", by the " .. arrow.by or "", arrow.autoplay and ", " .. escape(words.plays(arrow.autoplay)) or ""),
    filled('<path class="tk-line" d="%1"/><path class="tk-head" d="%2"/>', path, head),
    filled('<rect class="tk-label" x="%1" y="%2" width="%3" height="%4"/>',
      label.x - label.width / 2, top, label.width, label.height),
    text_line("tk-verb", label.x, top + 13, arrow.shown, arrow.columns, LABEL_COLUMN),
    arrow.note and text_line("tk-note", label.x, top + 27, arrow.note, #arrow.note, NOTE_COLUMN) or "",
    "</g>",
  }
  return table.concat(parts)
end

local function box(class, item, inset)
  return filled('<rect class="%1" x="%2" y="%3" width="%4" height="%5" rx="%6"/>', class,
    item.x - item.width / 2 + inset, upper_edge(item) + inset, item.width - 2 * inset, item.height - 2 * inset,
    8 - inset)
end

local function draw_state(state)
  local item = state.item
  local remark = state.is_current and ", the current state" or state.is_past and ", a past state" or ""
  local parts = {
    filled('<g class="%1" data-state="%2"%3>', classes {
      { "state", true }, { "final", state.is_final }, { "server", state.by_server },
      { "now", state.is_current }, { "past", state.is_past },
    }, escape(state.name), state.is_current and ' aria-current="true"' or ""),
    filled("<title>%1%2%3</title>", escape(state.name), state.is_final and ", final" or "", remark),
    box("tk-box", item, 0),
    state.is_final and box("tk-ring", item, 3.5) or "",
    text_line("tk-name", item.x, item.y + (state.by_server and -1 or 4.5), state.shown, state.columns, NAME_COLUMN),
    state.by_server and text_line("tk-note", item.x, item.y + 13, "set by the server", 17, NOTE_COLUMN) or "",
    "</g>",
  }
  return table.concat(parts)
end

-- The dot where a booking begins.
local function draw_start(state)
  local item = state.item
  local y = upper_edge(item)
  return filled('<circle class="tk-start" cx="%1" cy="%2" r="5"/><path class="tk-line" d="M%1 %2V%3"/>'
    .. '<path class="tk-head" d="%4"/>', item.x, MARGIN + 5, y - HEAD, head_down(item.x, y))
end

local function shift(drawn, by)
  for _, state in ipairs(drawn.states) do state.item.x = state.item.x + by end
  for _, arrow in ipairs(drawn.arrows) do
    for _, item in ipairs(arrow.items) do item.x = item.x + by end
  end
end

--- Draws.
-- @tparam table drawn as of `outline.of`
-- @treturn string a document, which can also stand in a page of HTML
function svg.draw(drawn)
  local width, bottom = layout.arrange(drawn, measure_state, measure_label, MARGIN + START)
  shift(drawn, MARGIN)
  local parts = {}
  for _, state in ipairs(drawn.states) do
    add_ports(state.item, "up")
    add_ports(state.item, "down")
  end
  for _, arrow in ipairs(drawn.arrows) do parts[#parts + 1] = draw_arrow(arrow) end
  for _, state in ipairs(drawn.states) do
    if state.is_initial then parts[#parts + 1] = draw_start(state) end
    parts[#parts + 1] = draw_state(state)
  end
  local w, h = math.ceil(width + 2 * MARGIN), math.ceil(bottom + MARGIN)
  return filled('<svg xmlns="http://www.w3.org/2000/svg" class="tk-graph" role="img" width="%1" height="%2" '
    .. 'viewBox="0 0 %1 %2" data-graph="%3">\n<title>The graph %3%4</title>\n<desc>%5</desc>\n<style>\n%6</style>\n',
    w, h, escape(drawn.name), drawn.state and ", in the state " .. escape(drawn.state) or "",
    escape(words.description(drawn)), STYLE)
    .. filled('<rect class="tk-ground" width="%1" height="%2" rx="8"/>\n', w, h)
    .. table.concat(parts, "\n") .. "\n</svg>\n"
end

return svg
