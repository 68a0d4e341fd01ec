--- The keys of a box: which are taken, and what is signed with them.
-- Keys stay in functions, so that printing a box shows none.
-- @module timekit.sandbox.model.keyring
local core = require "timekit.core"

local keyring = {}

-- Of the keys that a box has taken which takes any: so many, the latest, can have signed a link.
local KEPT = 16

local function signer(key)
  return function(text) return core.hmac_sha256(key, text) end
end

--- Makes the keys of a box.
-- @tparam ?string app_key the only key that is taken; any is when this is left out
-- @treturn table `take(key)`: a function that signs a text with the key (HMAC-SHA256, 32 bytes), nil when the key is
--   not taken; `signed(matches)`: whether `matches(sign)` is true for a key that was taken, which is one that a booking
--   can have been made with
function keyring.new(app_key)
  local known = {}
  local function remember(key)
    for _, entry in ipairs(known) do
      if entry.key == key then return entry.sign end
    end
    local entry = { key = key, sign = signer(key) }
    table.insert(known, entry)
    if #known > KEPT then table.remove(known, 1) end
    return entry.sign
  end
  return {
    take = function(key)
      if key == "" or app_key and not core.equal(key, app_key) then return nil end
      return remember(key)
    end,
    signed = function(matches)
      for _, entry in ipairs(known) do
        if matches(entry.sign) then return true end
      end
      return false
    end,
  }
end

return keyring
