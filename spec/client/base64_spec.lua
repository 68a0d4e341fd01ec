-- Base64, against the openssl program and another implementation.
local base64 = require "timekit.signing.base64"
local signing = require "spec.support.signing"

describe("base64url", function()
  it("is as others write it, and comes back", function()
    local all = {}
    for byte = 0, 255 do all[byte + 1] = string.char(byte) end
    all = table.concat(all)
    for length = 0, 256 do
      local text = all:sub(1, length)
      assert.equal(signing.base64url(text), base64.encode_url(text))
      assert.equal(text, base64.decode_url(base64.encode_url(text)))
    end
    assert.equal(signing.base64url_by_openssl(all:reverse()), base64.encode_url(all:reverse()))
  end)

  it("has one way to write a text", function()
    assert.equal("a", base64.decode_url "YQ")
    for _, other in ipairs { "YR", "YQ==", "YQ=", "YQ\n", " YQ", "Y", "YQYQY", "+w", "/w", "Y\233", "YWJ" } do
      assert.is_nil(base64.decode_url(other), other)
    end
  end)
end)
