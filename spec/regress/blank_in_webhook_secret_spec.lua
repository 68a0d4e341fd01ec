-- A user saw: "the signature is wrong", and nothing about the line's end that their secret had brought from its file.
local signing = require "spec.support.signing"
local webhook = require("timekit").webhook

local BODY = '{"id":"b1"}'
local SIGNATURE = signing.hex(signing.hmac("whsec_1", BODY))

describe("a wrong signature", function()
  it("names the blank or the line's end of the secret", function()
    for _, secret in ipairs { "whsec_1\n", "whsec_1\r\n", " whsec_1", "whsec_1 ", "\twhsec_1", "whsec_1\v" } do
      local right, reason = webhook.verify(BODY, SIGNATURE, secret)
      assert.is_false(right)
      assert.matches("the secret begins or ends with a blank or a line's end", reason, 1, true)
      assert.is_nil(reason:find("whsec_1", 1, true))
    end
  end)

  it("names the blank in the signature", function()
    for _, signature in ipairs { SIGNATURE .. "\n", " " .. SIGNATURE, SIGNATURE .. " ", "sha256= " .. SIGNATURE } do
      local right, reason = webhook.verify(BODY, signature, "whsec_1")
      assert.is_false(right)
      assert.matches("it holds a blank or a line's end", reason, 1, true)
    end
  end)

  it("is right where the secret itself has a blank, and wrong without a word of blanks elsewhere", function()
    assert.is_true((webhook.verify(BODY, signing.hex(signing.hmac(" a b ", BODY)), " a b ")))
    assert.equal("the signature is wrong", select(2, webhook.verify(BODY, SIGNATURE, "whsec_2")))
  end)
end)
