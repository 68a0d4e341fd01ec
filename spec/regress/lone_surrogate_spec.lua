-- A user saw: a page of 100 bookings was lost as "not JSON". One note in it had been cut in the middle of an emoji.
local core = require "timekit.core"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local REPLACED = "\239\191\189" -- U+FFFD

-- The contents of a JSON string, and what they become; R stands for U+FFFD.
local TEXTS = {
  { [[\ud83d]], "R" }, { [[\ude00]], "R" }, { [[\uDBFF]], "R" }, { [[\uDFFF]], "R" }, { [[\ud800]], "R" },
  { [[\ude00\ud83d]], "RR" }, { [[\ud83d\ud83d]], "RR" }, { [[\ude00\ude00]], "RR" }, { [[\ud83dx]], "Rx" },
  { [[x\ud83d]], "xR" }, { [[\ud83d\u0041]], "RA" }, { [[\ud83d\n]], "R\n" }, { [[\ud83d\\]], [[R\]] },
  { [[\ud83d\\ude00]], [[R\ude00]] }, { [[\ud83d\ud83d\ude00]], "R😀" }, { [[\ud83d\ude00\ude00]], "😀R" },
  { [[\ud83d\ue000]], "R\238\128\128" }, { [[\ud83d\u0000]], "R\0" },
  -- whole pairs, other characters near them, and what is no escape
  { [[\ud83d\ude00]], "😀" }, { [[\ud7ff\ue000]], "\237\159\191\238\128\128" }, { [[\\ud83d]], [[\ud83d]] },
  { [[\\\ud83d]], [[\R]] }, { [[\\\\ud83d]], [[\\ud83d]] }, { "\255" .. [[\ud83d]], "\255R" },
}

describe("half a surrogate pair", function()
  it("becomes U+FFFD", function()
    for _, case in ipairs(TEXTS) do
      local expected = case[2]:gsub("R", REPLACED)
      assert.equal(expected, core.decode('"' .. case[1] .. '"'))
      local value = assert(core.decode(('[{"before":1.5,"%s":["%s",12345678901234567890]}]'):format(case[1], case[1])))
      assert.equal(expected, value[1][expected][1])
      assert.equal(1.5, value[1].before)
      assert.is_true(core.is_array(value[1][expected]))
    end
  end)

  it("costs a page of bookings that one text only", function()
    local body = [[{"data":[{"id":"a","state":"tentative","what":"\ud83d"},]]
      .. [[{"id":"b","state":"tentative","what":"ok"}],"current_page":1,"last_page":1}]]
    local transport = scripted.new { { status = 200, headers = {}, body = body, sent = "yes" } }
    local tk = timekit.new { app_key = "live_api_key_1", transport = transport }
    local page = assert(tk:bookings_page())
    assert.equal(REPLACED, page.data[1].what)
    assert.equal("ok", page.data[2].what)
  end)

  it("does not make other mistakes readable, nor move them", function()
    for _, text in ipairs {
      [["\ud83d\u12"]], [["\ud83d\x"]], [["\ud83]], [["\ud83d]], [["\ud83d"}]], [=[["\ud83d",]]=],
    } do
      local value, message = core.decode(text)
      assert.is_nil(value, text)
      local _, expected = core.decode((text:gsub([[\ud83d]], [[\ufffd]])))
      assert.equal(expected, message)
    end
  end)

  it("is sent on as U+FFFD", function()
    assert.equal('["' .. REPLACED .. '"]', core.encode(core.decode [=[["\ud83d"]]=]))
  end)
end)
