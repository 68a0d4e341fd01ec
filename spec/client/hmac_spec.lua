-- core.hmac_sha256 and core.equal, against the openssl program, another implementation, and RFC 4231.
local core = require "timekit.core"
local signing = require "spec.support.signing"

local hex, bytes = signing.hex, signing.bytes

describe("core.hmac_sha256", function()
  it("keeps RFC 4231", function()
    for _, case in ipairs {
      { ("\11"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
      { "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
      { ("\170"):rep(20), ("\221"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      { ("\170"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    } do
      assert.equal(case[3], hex(core.hmac_sha256(case[1], case[2])))
    end
  end)

  it("is what openssl dgst and another implementation say, whatever the bytes and lengths", function()
    local all = bytes(("00ff0d0a"):rep(3)) .. "\0text\0"
    for _, key in ipairs { "k", "live_api_key_\195\169", ("x"):rep(64), ("x"):rep(65), "\0\1\255" } do
      for _, text in ipairs { "", "a", all, ("long "):rep(500) } do
        local digest = hex(core.hmac_sha256(key, text))
        assert.equal(signing.by_openssl(key, text), digest)
        assert.equal(hex(signing.hmac(key, text)), digest)
      end
    end
  end)

  it("takes an empty key", function()
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", hex(core.hmac_sha256("", "")))
  end)

  it("raises on anything but strings", function()
    for _, arguments in ipairs { { 1, "t" }, { "k", 1 }, { "k" }, {}, { "k", {} }, { true, "t" } } do
      assert.has_error(function() core.hmac_sha256(arguments[1], arguments[2]) end)
    end
  end)
end)

describe("core.equal", function()
  it("compares any bytes of any lengths", function()
    for _, case in ipairs {
      { "", "", true }, { "a", "a", true }, { "a\0b", "a\0b", true }, { ("x"):rep(5000), ("x"):rep(5000), true },
      { "a", "b", false }, { "a\0b", "a\0c", false }, { "a", "", false }, { "", "a", false }, { "a", "aa", false },
      { "aa", "a", false }, { "A", "a", false },
    } do
      assert.equal(case[3], core.equal(case[1], case[2]))
    end
  end)

  it("raises on anything but strings, numbers included", function()
    for _, arguments in ipairs { { 1, "1" }, { "1", 1 }, { "a" }, {}, { "a", false } } do
      assert.has_error(function() core.equal(arguments[1], arguments[2]) end)
    end
  end)
end)
