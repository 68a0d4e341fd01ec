--- The keys that a box accepts, and signatures made with them.
-- Keys live in closures, so that printing a box or walking its tables shows none.
-- @module timekit.sandbox.model.keyring
local core = require "timekit.core"

local keyring = {}

-- A box without a key of its own accepts any. It remembers the latest ones, since an action link may be signed with
-- them.
local KEPT = 16

local function signer(key)
  return function(text) return core.hmac_sha256(key, text) end
end

--- Makes the keys of a box.
-- @tparam ?string app_key the only key that is accepted; left out, any key is
-- @treturn table `accept(key)` returns a function that signs a text with the key (HMAC-SHA256, 32 bytes), or nil when
--   the key is refused; `any_signed(matches)` returns whether `matches(sign)` is true for a key that was accepted
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
    accept = function(key)
      if key == "" or app_key and not core.equal(key, app_key) then return nil end
      return remember(key)
    end,
    any_signed = function(matches)
      for _, entry in ipairs(known) do
        if matches(entry.sign) then return true end
      end
      return false
    end,
  }
end

return keyring
