-- What test_oom_lua.c does with the module `timekit.core` while memory runs out, and again afterwards. `kept` outlives
-- a failure. Returns true, or nil and why not; raises only for want of memory.
local encoded = {
  confirm = { note = ("long "):rep(500), list = { 1, 2.5, "\195\169", false }, object = { a = { b = {} } } },
}

local function finish(engine, transfer)
  while not transfer:done() do engine:wait(20) end
  return transfer:result()
end

return function(kept, url)
  local core = require "timekit.core"
  core.load_decoder()
  encoded.confirm.empty = core.array()
  local body = assert(core.encode(encoded, "inputs", 100000))
  local _, problem = core.encode({ list = { 1, { [print] = 1 } } }, "inputs")
  assert(problem == "inputs.list[2]: cannot encode a table with a function as key", problem)
  assert(#tostring(assert(core.decode(body)).confirm.note) == 2500)
  assert(not core.decode '{"a":[1,2,}')
  -- A text so long that no parser of its size is kept; and broken UTF-8, which simdjson refuses.
  assert(#assert(core.decode('["' .. ("long "):rep(60000) .. '",[{}],{"a":[]}]'))[1] == 300000)
  assert(core.decode '["\255",1e400,1]' == nil and core.decode '["\255"]'[1] == "\255")
  assert(core.equal(core.hmac_sha256("key", body), core.hmac_sha256("key", body)))

  if not (kept.engine and kept.engine:usable()) then
    kept.engine = core.engine {
      base_url = url, username = "", password = "key", user_agent = "test", headers = { ["Timekit-App"] = "app" },
    }
  end
  local engine = kept.engine
  local never = engine:start { method = "GET", target = "/never", timeout = 20 }
  if not engine:usable() then return nil, "the engine is not usable any more" end
  local transfer = engine:start {
    method = "PUT", target = "/bookings/b1/confirm", headers = { ["X-One"] = "1", ["X-Two"] = "2" },
    body = body, timeout = 20,
  }
  local result = finish(engine, transfer)
  assert(result == transfer:result())
  never:cancel()
  if result.reason ~= "ok" then return nil, result.reason .. ": " .. result.text end
  assert(result.status == 200 and result.headers["x-test"] == "a, b")
  local booking = assert(core.decode(result.body)).data
  assert(booking.state == "confirmed" and core.is_array(booking.list) and #booking.list == 2, result.body)
  assert(tostring(engine):find("1 in flight") or tostring(engine):find("0 in flight"), tostring(engine))
  assert(never:result().reason ~= "ok" and tostring(never) == "timekit.transfer (done)")
  kept.engine = nil
  engine:close()
  return true
end
