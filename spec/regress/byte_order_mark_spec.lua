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

it("a mark is one at the beginning only, and alone is no answer", function()
  assert.same({ 1 }, core.decode(MARK .. "[1]"))
  for _, text in ipairs { MARK, MARK .. MARK .. "[1]", "[1]" .. MARK, "[" .. MARK .. "1]", MARK:sub(1, 2) .. "[1]" } do
    assert.is_nil((core.decode(text)))
  end
end)

it("a webhook's body is read behind it", function()
  local body = MARK .. '{"id":"b1","graph":"instant","state":"confirmed"}'
  assert.equal("confirmed", assert(timekit.webhook.parse(body)).state)
end)
