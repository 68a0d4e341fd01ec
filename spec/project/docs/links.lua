--- Finds links of the pages that lead nowhere.
local links = {}

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- The anchors of a page; nil for a file that is not there.
local function anchors_of(folder, file, known)
  if known[file] == nil then
    local html, anchors = read(folder .. "/" .. file), {}
    for id in (html or ""):gmatch(' id="([^"]*)"') do
      if anchors[id] then anchors[#anchors + 1] = id end
      anchors[id] = true
    end
    known[file] = html and anchors or false
  end
  return known[file]
end

--- @tparam string folder
-- @tparam {string,...} files the pages in it
-- @treturn {string,...} what is wrong, in words
function links.broken(folder, files)
  local broken, known = {}, {}
  for _, file in ipairs(files) do
    for _, id in ipairs(anchors_of(folder, file, known) or {}) do
      broken[#broken + 1] = ("%s: two things have the address #%s"):format(file, id)
    end
    for address in read(folder .. "/" .. file):gmatch(' href="([^"]*)"') do
      local target, anchor = address:match("^([^#]*)#?(.*)$")
      if target == "" then target = file end
      local anchors = address:find("^https?:") and {} or anchors_of(folder, target, known)
      local is_there = anchors and (anchor == "" or anchors[anchor] or address:find("^https?:"))
      if not is_there then broken[#broken + 1] = ("%s: %s"):format(file, address) end
    end
  end
  return broken
end

return links
