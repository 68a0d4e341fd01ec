--- Reads the boxes and lines out of a picture of a graph, and says what overlaps.
local svg_boxes = {}

local function number(element, attribute)
  return tonumber(element:match("%s" .. attribute .. '="([^"]*)"')) or 0
end

--- The boxes of states and labels.
-- @tparam string svg
-- @treturn {table,...} `{ left =, top =, right =, bottom =, class = }`
function svg_boxes.boxes(svg)
  local boxes = {}
  for element in svg:gmatch("<rect[^>]*>") do
    local class = element:match('class="tk%-(%a+)"')
    if class == "box" or class == "label" then
      local left, top = number(element, "x"), number(element, "y")
      boxes[#boxes + 1] = {
        class = class, left = left, top = top,
        right = left + number(element, "width"), bottom = top + number(element, "height"),
      }
    end
  end
  return boxes
end

-- Points along a path of M, L, V and C.
local function points(path)
  local found, x, y = {}, 0, 0
  for command, numbers in path:gmatch("([MLVC])([^MLVCZ]*)") do
    local values = {}
    for value in numbers:gmatch("%S+") do values[#values + 1] = tonumber(value) end
    local from_x, from_y = x, y
    if command == "V" then y = values[1]
    else x, y = values[#values - 1], values[#values]
    end
    for step = 1, command == "M" and 0 or 12 do
      local t = step / 12
      local u = 1 - t
      if command == "C" then
        found[#found + 1] = {
          u ^ 3 * from_x + 3 * u * u * t * values[1] + 3 * u * t * t * values[3] + t ^ 3 * x,
          u ^ 3 * from_y + 3 * u * u * t * values[2] + 3 * u * t * t * values[4] + t ^ 3 * y,
        }
      else
        found[#found + 1] = { u * from_x + t * x, u * from_y + t * y }
      end
    end
  end
  return found
end

local function shown(box)
  return ("%s %g,%g %g,%g"):format(box.class, box.left, box.top, box.right, box.bottom)
end

-- Less than this is the rounding of coordinates.
local SLACK = 0.6

--- What is wrong with a picture.
-- @tparam string svg
-- @treturn {string,...} boxes that overlap or leave the picture, and lines that cross a box; empty when nothing is
function svg_boxes.problems(svg)
  local boxes, problems = svg_boxes.boxes(svg), {}
  local width, height = number(svg:match("<svg[^>]*>"), "width"), number(svg:match("<svg[^>]*>"), "height")
  for index, box in ipairs(boxes) do
    if not (box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height) then
      problems[#problems + 1] = shown(box) .. " leaves the picture"
    end
    for before = 1, index - 1 do
      local other = boxes[before]
      if box.left < other.right - SLACK and other.left < box.right - SLACK
        and box.top < other.bottom - SLACK and other.top < box.bottom - SLACK then
        problems[#problems + 1] = shown(box) .. " overlaps " .. shown(other)
      end
    end
  end
  for path in svg:gmatch('<path class="tk%-%a+" d="([^"]*)"') do
    for _, point in ipairs(points(path)) do
      for _, box in ipairs(boxes) do
        if point[1] > box.left + SLACK and point[1] < box.right - SLACK
          and point[2] > box.top + SLACK and point[2] < box.bottom - SLACK then
          problems[#problems + 1] = ("a line at %g,%g crosses %s"):format(point[1], point[2], shown(box))
        end
      end
    end
  end
  return problems
end

return svg_boxes
