--- Keeps keys out of everything that a caller sees.
-- A server or a proxy can echo what was sent to it. A redactor knows each form in which a key travels and replaces it
-- wherever it stands. Errors, request ids and what hooks get are redacted; the data of a success are not.
-- @module timekit.call.redact

local ascii = require "timekit.text.ascii"
local base64 = require "timekit.signing.base64"
local core = require "timekit.core"

local redaction = {}

local find = string.find

local MARK = "[redacted]"

-- In bytes. Replacing a shorter text would cut up every message that happens to hold its letters.
local SHORTEST = 4

-- Adds every form in which `text` may stand in an answer.
local function add_forms(forms, text)
  local encoded, percent = base64.encode(text), core.escape(text)
  for _, form in ipairs {
    text, encoded, (encoded:gsub("+", "-"):gsub("/", "_")),
    percent, (percent:gsub("%%%x%x", ascii.lower)),
    (text:gsub("[\\\"]", "\\%0")), (text:gsub("[\\\"/]", "\\%0")),
    (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;")),
  } do
    if #form >= SHORTEST then forms[form] = true end
  end
end

--- Makes a function that removes credentials from a value.
-- It replaces a password as it is, escaped for URLs, JSON and HTML, and in base64: alone, and together with the user
-- name as HTTP's Basic authentication sends it (spec/api.md 1). Passwords of fewer than 4 characters are replaced in
-- their Basic form only: as plain text they would be found inside ordinary words.
-- @tparam table credentials a list of `{ username = string|nil, password = string }`
-- @treturn function `redact(value)`: returns a string clean; cleans a table in place, keys and nested tables included,
--   and returns it; returns anything else as it is
-- @treturn function `clean(text)`: the same for strings only
-- @treturn number the length of the shortest text that they change
-- @usage
-- local redact = redaction.redactor { { username = "", password = "live_api_key_1" } }
-- redact "no such key: live_api_key_1"   --> "no such key: [redacted]"
function redaction.redactor(credentials)
  local forms = {}
  for _, pair in ipairs(credentials) do
    add_forms(forms, pair.password)
    local basic = base64.encode((pair.username or "") .. ":" .. pair.password)
    forms[basic] = true
    forms[(basic:gsub("+", "-"):gsub("/", "_"))] = true
  end

  -- The longest comes first, since a form may contain another one.
  local list = {}
  for form in pairs(forms) do list[#list + 1] = form end
  table.sort(list, function(a, b)
    if #a ~= #b then return #a > #b end
    return a < b
  end)
  local shortest = list[1] and #list[#list] or math.huge

  -- Nearly every text holds none of them. A plain search finds that out sooner than a pattern does.
  local function clean(text)
    if #text < shortest then return text end
    for index = 1, #list do
      local form = list[index]
      if find(text, form, 1, true) then text = text:gsub((form:gsub("[^A-Za-z0-9]", "%%%0")), MARK) end
    end
    return text
  end

  local function redact(value)
    if type(value) == "string" then return clean(value) end
    if type(value) ~= "table" then return value end
    local renamed
    for key, item in pairs(value) do
      local name = type(key) == "string" and clean(key) or key
      if name ~= key then
        renamed = renamed or {}
        renamed[key] = name
      end
      value[key] = redact(item)
    end
    if not renamed then return value end
    for old, new in pairs(renamed) do
      value[new], value[old] = value[old], nil
    end
    return value
  end
  return redact, clean, shortest
end

--- Removes from a value the keys that stand in the headers of one request alone.
-- @tparam table request `secrets`: a list of texts, or nil
-- @param value as for the function that `redactor` returns
-- @return the value
function redaction.of_request(request, value)
  local secrets = request.secrets
  if not secrets or #secrets == 0 then return value end
  local credentials = {}
  for index, secret in ipairs(secrets) do credentials[index] = { password = secret } end
  return (redaction.redactor(credentials)(value))
end

return redaction
