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

--- What a request may show, without its key.
-- @tparam table headers with lower-case names, of the request
-- @treturn function takes the key out of a text; nil stays nil
function exchanges.hider(headers)
  local _, key = wire.credentials(headers.authorization)
  if not key or #key < SHORTEST_KEY then return function(text) return text end end
  local pattern = key:gsub("[^A-Za-z0-9]", "%%%0")
  return function(text) return text and (text:gsub(pattern, HIDDEN)) end
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

local function count(self, item, text)
  item.bytes, self.bytes = item.bytes + #text, self.bytes + #text
  make_room(self)
end

--- Keeps a request.
-- @tparam number number of the request, each greater than the last
-- @tparam table received `headers` (lower-case names), `text` (the body or nil)
-- @tparam function again function(now) → answer: carries the same request out once more. A closure, since it holds the
--   key
function Exchanges:add(number, received, again)
  local hide = exchanges.hider(received.headers)
  local body, is_cut = shown_text(received.text, hide)
  local item = {
    request = { headers = shown_headers(received.headers, hide), body = body, is_cut = is_cut },
    answer = nil, -- what the box answered, once it has
    seen = nil,   -- what the client got instead, when a fault came between: an answer, or a table without a status
    hide = hide, again = again, bytes = 0,
  }
  self.items[number] = item
  self.first, self.last = self.first or number, number
  count(self, item, body)
end

--- Keeps the answer to a request.
-- @tparam number number
-- @tparam string which `answer` or `seen`
-- @tparam table answer `{ status =, headers =, body = }`; without a status, nothing came
function Exchanges:answered(number, which, answer)
  local item = self.items[number]
  if not item then return end
  local body, is_cut = shown_text(answer.body, item.hide)
  item[which] = {
    status = answer.status, headers = shown_headers(answer.headers or {}, item.hide), body = body, is_cut = is_cut,
  }
  count(self, item, body)
end

--- Finds an exchange.
-- @tparam number number
-- @treturn table|nil `request`, `answer`, `seen`, `again`; nil for one that is forgotten
function Exchanges:get(number)
  return self.items[number]
end

--- @section end

--- Makes an empty list.
-- @tparam number limit how many it keeps at the most
-- @treturn Exchanges
function exchanges.new(limit)
  return setmetatable({
    limit = limit,
    items = {},              -- by their numbers
    first = nil, last = nil, -- the numbers of the oldest and the latest that is kept
    bytes = 0,               -- of all their texts
  }, Exchanges)
end

return exchanges
