--- Reads which page of a list an answer is, and whether there is a next one.
-- The numbers stand beside the data (spec/api.md 1). The framework behind Timekit also has a second form, with the
-- numbers under `meta` and the addresses under `links`. An answer that speaks of pages in any other way is refused,
-- because a list that ended with it would look complete. Pure.
-- @module timekit.http.page

local core = require "timekit.core"
local fields = require "timekit.text.fields"

local page = {}

local is_object = fields.is_object

local NUMBERS = { "total", "per_page", "current_page", "last_page", "from", "to" }
local URLS = { next_page_url = "next", prev_page_url = "prev" }

-- Other words for pages, none of which is read.
local OTHERS = {
  "pagination", "paging", "paginator", "page_info", "cursor", "next_cursor", "next", "next_page", "has_more",
  "page", "pages", "page_count", "total_pages", "total_count",
}


-- `per_page` comes as a string (spec/api.md 1).
local function whole(value)
  if type(value) == "string" and value:find("^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?$") then value = tonumber(value) end
  if type(value) == "number" and value >= 0 and value % 1 == 0 then return value end
  return nil
end

local function is_there(value)
  return fields.given(value) ~= nil
end

-- Adds what `place` says to `found`, where what was found before stays. `found.speaks`: there is some word for pages.
-- `found.says_next`: the next page is named, or there is said to be none.
local function read_place(place, found)
  for _, name in ipairs(NUMBERS) do
    if is_there(place[name]) then found.speaks = true end
    if found[name] == nil then found[name] = whole(place[name]) end
  end
  for name in pairs(URLS) do
    local value = place[name]
    if type(value) == "string" and value ~= "" then found[name] = found[name] or value end
    if is_there(value) then found.speaks = true end
    if name == "next_page_url" and (value == core.null or found[name]) then found.says_next = true end
  end
  for _, name in ipairs(OTHERS) do
    if is_there(place[name]) then found.speaks = true end
  end
end

local function read_links(links, found)
  local place = {}
  for name, short in pairs(URLS) do place[name] = links[short] end
  read_place(place, found)
end

local function problem_of(found, count)
  local last, current = found.last_page, found.current_page
  if last and current and current >= last and found.next_page_url then
    return "the answer names a page after the last one"
  end
  if last or not found.speaks then return nil end
  -- Pages are asked for by their numbers.
  if found.says_next and (not found.next_page_url or found.next_page_url:find("[?&]page=%d")) then return nil end
  -- The page holds the whole list, whatever else the answer says.
  if found.total and found.total <= count then return nil end
  return "the answer does not say in a known way whether there is a next page"
end

--- Reads a page.
-- @tparam table data its list
-- @tparam any answer what the list stands in
-- @treturn table|nil `data`, `total`, `per_page`, `current_page`, `last_page`, `from`, `to`, `next_page_url`,
--   `prev_page_url`, each but the first nil where the answer does not say it
-- @treturn ?string why it is not understood
function page.read(data, answer)
  local found = {}
  if is_object(answer) then
    read_place(answer, found)
    local meta = is_object(answer.meta) and answer.meta or {}
    read_place(meta, found)
    for _, links in ipairs { answer.links or false, meta.links or false } do
      if is_object(links) then read_links(links, found) end
    end
  end
  local problem = problem_of(found, #data)
  if problem then return nil, problem end
  found.data, found.speaks, found.says_next = data, nil, nil
  return found
end

return page
