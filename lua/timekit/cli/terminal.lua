--- What the program knows of its terminal: whether there is one, how wide it is, whether it is coloured.
-- @module timekit.cli.terminal

local core = require "timekit.core"
local libraries = require "timekit.cli.libraries"

local terminal = {}

local Terminal = {}
Terminal.__index = Terminal

-- Columns where a terminal does not tell.
local USUAL_WIDTH = 80

--- How wide the terminal is, asked anew each time since users resize it.
-- @treturn integer columns
function Terminal.width()
  return core.program.columns(2) or core.program.columns(1) or USUAL_WIDTH
end

--- Colours a text, if colours are wanted.
-- @tparam string color a name of lua-term's, such as `red`, `bright`
-- @tparam string text
-- @tparam[opt=false] boolean is_error the text goes to standard error
-- @treturn string
function Terminal:paint(color, text, is_error)
  local wanted
  if is_error then wanted = self.colors_errors else wanted = self.colors_output end
  if not wanted then return text end
  local colors = libraries.term().colors
  return tostring(colors[color]) .. text .. tostring(colors.reset)
end

--- Looks at the terminal.
-- @tparam string color `auto`, `always` or `never`
-- @treturn Terminal `has_output`, `has_errors`: whether standard output and standard error are terminals
function terminal.new(color)
  local term = libraries.term()
  local has_output, has_errors = term.isatty(io.stdout), term.isatty(io.stderr)
  local no_color = os.getenv "NO_COLOR"
  local auto = color == "auto" and (no_color == nil or no_color == "") and os.getenv "TERM" ~= "dumb"
  return setmetatable({
    has_output = has_output, has_errors = has_errors,
    colors_output = color == "always" or auto and has_output,
    colors_errors = color == "always" or auto and has_errors,
  }, Terminal)
end

return terminal
