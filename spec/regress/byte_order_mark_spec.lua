-- A user saw: an action that was done and ended as uncertain, since its answer began with a byte order mark.
local core = require "timekit.core"
local faults = require "spec.support.faults"
local timekit = require "timekit"

local MARK = "\239\187\191"

it("an answer behind a byte order mark is read", function()
  local server = faults.start()
  local function handle(step)
    return timekit.new { app_key = "k", base_url = server.url.http .. "/f/" .. server:plan(step), retries = 0 }
      :booking("b1")
  end
  local _, info = assert(handle { body = MARK .. '{"data":{"id":"b1","state":"confirmed"}}' }:confirm())
  assert.is_false(info.reconciled)

  local _, err = handle { status = 422, body = MARK .. '{"error":"no"}' }:get()
  assert.same({ "validation", "no" }, { err.kind, err.message })
  _, err = handle { status = 403, body = MARK .. "<html><title>Closed</title></html>" }:get()
  assert.equal("the answer is a page, not JSON: Closed", err.message)
  _, err = handle { status = 403, body = MARK .. "closed" }:get()
  assert.equal("closed", err.message)
  _, err = handle { body = MARK .. " " }:get()
  assert.equal("the answer is empty", err.message)
  server:close()
end)

it("a mark is skipped before every kind of value", function()
  for text, value in pairs { ['"a"'] = "a", ["1"] = 1, ["true"] = true, ["null"] = core.null, [' "b" '] = "b" } do
    assert.equal(value, core.decode(MARK .. text))
  end
  assert.same({ 1, 2 }, core.decode(MARK .. "[1,2]"))
  assert.is_true(core.is_array(core.decode(MARK .. "[]")))
end)

it("a mark is skipped where lua-cjson has to read the text", function()
  assert.same({ "\255" }, core.decode(MARK .. '["\255"]'))
end)

it("a mark is read as a part of a text", function()
  assert.equal(MARK .. "a", core.decode('"' .. MARK .. 'a"'))
  assert.equal(MARK, core.decode(MARK .. '"' .. MARK .. '"'))
end)

it("a mark is skipped once, at the start only, and when it is whole", function()
  for _, text in ipairs {
    MARK, MARK .. MARK, MARK .. MARK .. "1", " " .. MARK .. "1", "1" .. MARK, "[" .. MARK .. "1]", "\239\1871",
    "\2391", MARK .. "\239\1871",
  } do
    local value, message = core.decode(text)
    assert.is_nil(value, ("%q"):format(text))
    assert.is_string(message)
  end
end)

it("a mark does not count in messages", function()
  local _, with = core.decode(MARK .. '{"a":1.}')
  local _, without = core.decode '{"a":1.}'
  assert.equal(without, with)
end)

it("a webhook's body is read behind it", function()
  local body = MARK .. '{"id":"b1","graph":"instant","state":"confirmed"}'
  assert.equal("confirmed", assert(timekit.webhook.parse(body)).state)
end)
