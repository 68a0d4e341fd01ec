--- The words in a picture of a graph, and how wide they are.
-- Pure: no I/O.
-- @module timekit.rules.picture.words
local core = require "timekit.core"
local duration = require "timekit.text.duration"

local words = {}

-- U+FFFD stands for what is no character.
local REPLACEMENT = "\239\191\189"
local NO_CHARACTER = { ["\239\191\190"] = true, ["\239\191\191"] = true } -- U+FFFE and U+FFFF, which XML refuses

--- The characters of a text, one by one. Bytes that are not UTF-8 give U+FFFD.
-- @tparam string text
-- @treturn function iterator over strings
function words.characters(text)
  local at = 1
  return function()
    if at > #text then return nil end
    local character = text:match("^[\192-\247][\128-\191]+", at) or text:sub(at, at)
    at = at + #character
    -- The encoder takes UTF-8 only. Four bytes are the longest character.
    if #character > 4 or not core.encode(character) or NO_CHARACTER[character] then return REPLACEMENT end
    return character
  end
end

--- A text in which every character is replaced by what a function returns for it.
-- @tparam string text
-- @tparam function replace function(character) → string
-- @treturn string
function words.escaped(text, replace)
  local parts = {}
  for character in words.characters(text) do parts[#parts + 1] = replace(character) end
  return table.concat(parts)
end

-- Scripts of East Asia and emoji take two columns. They begin at U+1100; arrows and signs up to U+24FF take one.
local function width_of(character)
  local first, second = character:byte(1, 2)
  if first < 225 or first == 225 and second < 132 or first == 226 and second < 148 then return 1 end
  return character == REPLACEMENT and 1 or 2
end

--- The width of a text in columns of a font whose characters all have one width, and its characters made sound.
-- @tparam string text
-- @tparam[opt] integer limit a longer text is cut, and ends with an ellipsis
-- @treturn string
-- @treturn integer columns
function words.fitted(text, limit)
  local parts, columns, shortened, shortened_columns = {}, 0, nil, nil
  for character in words.characters(text) do
    local width = width_of(character)
    if limit and not shortened and columns + width > limit - 1 then
      shortened, shortened_columns = table.concat(parts) .. "…", columns + 1
    end
    parts[#parts + 1] = character
    columns = columns + width
    if limit and columns > limit then return shortened, shortened_columns end
  end
  return table.concat(parts), columns
end

local STARTS = { created = { "at creation", "after creation" }, ["end"] = { "at the end", "after the end" } }

--- When an action plays by itself: `1 h after the end`.
-- @tparam table autoplay of the definition
-- @treturn string
function words.delay(autoplay)
  local start = STARTS[autoplay.from]
  if autoplay.after == 0 then return start[1] end
  return duration.write(autoplay.after) .. " " .. start[2]
end

--- The same as a clause that also tells of the setting.
-- @tparam table autoplay of the definition
-- @treturn string
function words.plays(autoplay)
  local clause = "plays by itself " .. words.delay(autoplay)
  return autoplay.setting and clause .. ", or as the setting " .. autoplay.setting .. " says" or clause
end

--- Everything in a graph as one line of text for who cannot see the picture.
-- @tparam table drawn as of `outline.of`
-- @treturn string
function words.description(drawn)
  local parts = {}
  for index, state in ipairs(drawn.states) do
    local remarks, ways = {}, {}
    if state.is_initial then remarks[#remarks + 1] = "initial" end
    if state.is_final then remarks[#remarks + 1] = "final" end
    if state.by_server then remarks[#remarks + 1] = "set by the server" end
    if state.is_current then remarks[#remarks + 1] = "the current state" end
    if state.is_past then remarks[#remarks + 1] = "a past state" end
    for way, arrow in ipairs(state.leaving) do
      ways[way] = arrow.action .. " leads to " .. arrow.to.name
        .. (arrow.autoplay and " and " .. words.plays(arrow.autoplay) or "")
    end
    parts[index] = state.name .. (remarks[1] and " (" .. table.concat(remarks, ", ") .. ")" or "")
      .. (ways[1] and ": " .. table.concat(ways, "; ") or "") .. "."
  end
  return table.concat(parts, " ")
end

return words
