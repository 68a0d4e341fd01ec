--- What the latest requests looked like in full: their headers and bodies, and those of their answers.
--
-- The list of requests (`Box:requests`) stays small, so this is kept beside it, up to a number of bytes. No key is
-- kept: what stands in for it is `***`, in the Authorization header and in every text.
-- @module timekit.sandbox.model.exchanges
local core = require "timekit.core"
local wire = require "timekit.sandbox.model.wire"

local exchanges = {}

-- Bytes of all texts together, and of one text. A longer one is cut.
local BUDGET, TEXT_LIMIT = 32 * 1024 * 1024, 256 * 1024

-- A shorter key could stand in any text by chance, and nobody could read what is left.
local SHORTEST_KEY = 8

local HIDDEN = "***"
local SECRET_HEADERS = { authorization = HIDDEN, cookie = HIDDEN, ["proxy-authorization"] = HIDDEN }

local function same(text)
  return text
end

-- What nobody may read: the key, also where it stands in the place of the user's name, and the whole credentials.
local function secrets_of(authorization)
  local user, key = wire.credentials(authorization)
  local patterns = {}
  for _, secret in ipairs { key or "", key == "" and user or "", (authorization or ""):match("(%S*)%s*$") } do
    if #secret >= SHORTEST_KEY then patterns[#patterns + 1] = secret:gsub("[^A-Za-z0-9]", "%%%0") end
  end
  return patterns
end

-- Takes a key out of a text; nil stays nil.
local function hider_of(authorization)
  local patterns = secrets_of(authorization)
  if not patterns[1] then return same end
  return function(text)
    if not text then return nil end
    for _, pattern in ipairs(patterns) do text = text:gsub(pattern, HIDDEN) end
    return text
  end
end

-- JSON cannot hold bytes that are not UTF-8.
local function sound(text)
  return core.encode(text) and text or (text:gsub("[\128-\255]", "?"))
end

local function shown_headers(headers, hide)
  local shown = {}
  for name, value in pairs(headers) do shown[sound(name)] = SECRET_HEADERS[name] or sound(hide(tostring(value))) end
  return shown
end

local function shown_text(text, hide)
  text = hide(text or "")
  if #text <= TEXT_LIMIT then return sound(text) end
  -- Not within a character.
  return sound((text:sub(1, TEXT_LIMIT):gsub("[\192-\255]?[\128-\191]*$", ""))), true
end

--- The exchanges of a box.
-- @type Exchanges
local Exchanges = {}
Exchanges.__index = Exchanges

-- Forgets the oldest exchanges until the rest fits. The latest one stays.
local function make_room(self)
  while (self.bytes > BUDGET or self.last - self.first >= self.limit) and self.first < self.last do
    local oldest = self.items[self.first]
    if oldest then self.bytes = self.bytes - oldest.bytes end
    self.items[self.first] = nil
    self.first = self.first + 1
  end
end

--- What takes the key of a request out of a text.
-- @tparam table headers of the request, with lower-case names
-- @treturn function(text) → text; nil stays nil
function Exchanges:hider(headers)
  return self.hiders(headers.authorization)
end

local function count(self, item, text)
  item.bytes, self.bytes = item.bytes + #text, self.bytes + #text
  make_room(self)
end

--- Keeps a request. What it looks like without its key is found out when somebody asks, since almost nobody does.
-- @tparam number number of the request, each greater than the last
-- @tparam table received `headers` (lower-case names), `text` (the body or nil); it stays as it is
-- @tparam function again function(now) → answer: carries the same request out once more
function Exchanges:add(number, received, again)
  local hide, text = self:hider(received.headers), received.text or ""
  -- Closures hide the key from whoever walks through the tables.
  self.items[number] = {
    request = function()
      local body, is_cut = shown_text(text, hide)
      return { headers = shown_headers(received.headers, hide), body = body, is_cut = is_cut }
    end,
    answer = nil, -- what the box answered, once it has
    seen = nil,   -- what the client got instead, when a fault came between: an answer, or a table without a status
    hide = hide, again = again, bytes = 0,
  }
  self.first, self.last = self.first or number, number
  count(self, self.items[number], text)
end

--- Keeps the answer to a request.
-- @tparam number number
-- @tparam string which `answer` or `seen`
-- @tparam table answer `{ status =, headers =, body = }`; without a status, nothing came
function Exchanges:answered(number, which, answer)
  local item = self.items[number]
  if not item then return end
  local status, headers, text, hide = answer.status, answer.headers or {}, answer.body or "", item.hide
  item[which] = function()
    local body, is_cut = shown_text(text, hide)
    return { status = status, headers = shown_headers(headers, hide), body = body, is_cut = is_cut }
  end
  count(self, item, text)
end

--- Finds an exchange.
-- @tparam number number
-- @treturn table|nil `{ request =, answer =, seen =, again = }`: tables for people, and the function; nil for one that
--   is forgotten
function Exchanges:get(number)
  local item = self.items[number]
  return item and {
    request = item.request(), answer = item.answer and item.answer(), seen = item.seen and item.seen(),
    again = item.again,
  }
end

--- @section end

-- Most requests in a row have the same key. It is in a closure as well.
local function latest_hider()
  local known, hide = nil, same
  return function(authorization)
    if authorization ~= known then known, hide = authorization, hider_of(authorization) end
    return hide
  end
end

--- Makes an empty list.
-- @tparam number limit how many it keeps at the most
-- @treturn Exchanges
function exchanges.new(limit)
  return setmetatable({
    limit = limit,
    items = {},              -- by their numbers
    first = nil, last = nil, -- the numbers of the oldest and the latest that is kept
    bytes = 0,               -- of all their texts
    hiders = latest_hider(), -- Authorization header → what takes its key out of a text
  }, Exchanges)
end

return exchanges
