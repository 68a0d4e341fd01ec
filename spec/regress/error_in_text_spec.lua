-- A user saw: "attempt to concatenate a table value", of `"could not confirm: " .. err`.
local Error = require "timekit.error"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local function refusal()
  local transport = scripted.new { { status = 404, headers = {}, body = '{"error":"No such booking"}', sent = "yes" } }
  return select(2, timekit.new({ app_key = "live_api_key_1", transport = transport }):booking("b1"):confirm())
end

describe("an error in a text", function()
  it("is its line, on both sides", function()
    local err = refusal()
    assert.equal("timekit: not_found: No such booking (HTTP 404)", tostring(err))
    assert.equal("could not confirm: " .. tostring(err), "could not confirm: " .. err)
    assert.equal(tostring(err) .. "!", err .. "!")
    assert.equal("a " .. tostring(err) .. " b " .. tostring(err), "a " .. err .. " b " .. err)
  end)

  it("goes with numbers and with other errors", function()
    local err = Error.unsent { kind = "input", message = "no" }
    assert.equal("1: timekit: input: no", 1 .. ": " .. err)
    assert.equal("timekit: input: no2", err .. 2)
    assert.equal("timekit: input: notimekit: input: no", err .. err)
  end)

  it("does not hide what is not a text", function()
    local err = Error.unsent { kind = "input", message = "no" }
    for name, value in pairs { ["nil"] = false, boolean = true, table = {}, ["function"] = print } do
      if name == "nil" then value = nil end
      for _, concat in ipairs { function() return err .. value end, function() return value .. err end } do
        local ok, message = pcall(concat)
        assert.is_false(ok)
        assert.is_truthy(message:find("error_in_text_spec.lua:%d+: attempt to concatenate a " .. name), message)
      end
    end
  end)
end)
