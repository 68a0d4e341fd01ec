-- A user saw: "it is not known whether the action 'confirm' was applied: the answer is not JSON", although it was.
-- A proxy had put a byte order mark before the JSON.
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local MARK = "\239\187\191"

local function confirm(body)
  local transport = scripted.new { { status = 200, headers = {}, body = body, sent = "yes" } }
  local tk = timekit.new { app_key = "live_api_key_1", transport = transport, uncertain = "report" }
  return tk:booking("b1"):confirm()
end

describe("a byte order mark before JSON", function()
  it("leaves the outcome of an action known", function()
    local booking = assert(confirm(MARK .. '{"data":{"id":"b1","graph":"instant","state":"confirmed"}}'))
    assert.equal("confirmed", booking.state)
  end)

  it("is skipped before every kind of value", function()
    for text, value in pairs { ['"a"'] = "a", ["1"] = 1, ["true"] = true, ["null"] = core.null, [' "b" '] = "b" } do
      assert.equal(value, core.decode(MARK .. text))
    end
    assert.same({ 1, 2 }, core.decode(MARK .. "[1,2]"))
    assert.is_true(core.is_array(core.decode(MARK .. "[]")))
  end)

  it("is skipped where lua-cjson has to read the text", function()
    assert.same({ "\255" }, core.decode(MARK .. '["\255"]'))
  end)

  it("is read as a part of a text", function()
    assert.equal(MARK .. "a", core.decode('"' .. MARK .. 'a"'))
    assert.equal(MARK, core.decode(MARK .. '"' .. MARK .. '"'))
  end)

  it("is skipped once, at the start only, and when it is whole", function()
    for _, text in ipairs {
      MARK, MARK .. MARK, MARK .. MARK .. "1", " " .. MARK .. "1", "1" .. MARK, "[" .. MARK .. "1]", "\239\1871",
      "\2391", MARK .. "\239\1871",
    } do
      local value, message = core.decode(text)
      assert.is_nil(value, ("%q"):format(text))
      assert.is_string(message)
    end
  end)

  it("does not count in messages", function()
    local _, with = core.decode(MARK .. '{"a":1.}')
    local _, without = core.decode '{"a":1.}'
    assert.equal(without, with)
  end)
end)
