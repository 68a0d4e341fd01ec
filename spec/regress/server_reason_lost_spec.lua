-- A user saw: "the server answered 422 without a reason", although the answer gave one as plain text.
local response = require "timekit.http.response"

local function refused(body)
  local outcome = { status = 422, headers = {}, body = body, sent = "yes" }
  local _, err = response.read(outcome, { expects = "booking", writes = true }, os.time)
  return err
end

describe("errors that are not an object", function()
  it("give the message, and name no fields", function()
    local err = refused '{"errors":"The slot is taken"}'
    assert.equal("The slot is taken", err.message)
    assert.is_nil(err.fields)
    assert.equal("no; The slot is taken", refused('{"error":"no","errors":"The slot is taken"}').message)
    assert.equal("a; b", refused('{"errors":["a","b"]}').message)
  end)

  it("give none where they say nothing", function()
    for _, errors in ipairs { '""', "null", "7", "true", "[]", "{}" } do
      assert.equal("said elsewhere", refused('{"errors":' .. errors .. ',"message":"said elsewhere"}').message)
      assert.equal("the server answered 422 without a reason", refused('{"errors":' .. errors .. "}").message)
    end
  end)
end)
