-- timekit.webhook: verify and parse.
local blame = require "spec.support.blame"
local core = require "timekit.core"
local fixture = require "spec.support.fixture"
local scripted = require "spec.support.scripted"
local shell = require "spec.support.shell"
local signing = require "spec.support.signing"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

local webhook = timekit.webhook

local SECRET = "whsec_\195\169_Zm9vYmFy"
local BODY = fixture "webhook-payload-instant-confirmed-2017-PARTIAL"

local function sign(body, secret)
  return signing.hex(signing.hmac(secret or SECRET, body))
end

local NO_TEXTS = { 42, true, false, {}, { "a", "b" }, print, core.null, 0 / 0 }

describe("webhook.verify", function()
  it("takes what openssl dgst and another implementation sign", function()
    for _, body in ipairs {
      BODY, fixture "webhook-payload-instant-confirmed-2016-PARTIAL", "", "{}", "\0\255\r\n", ("x"):rep(1000),
    } do
      for _, secret in ipairs { SECRET, "s", ("long_secret_"):rep(10) } do
        assert.is_true(webhook.verify(body, signing.by_openssl(secret, body), secret))
        assert.is_true(webhook.verify(body, sign(body, secret), secret))
      end
    end
  end)

  it("takes hexadecimal digits in upper case", function()
    assert.is_true(webhook.verify(BODY, sign(BODY):upper(), SECRET))
  end)

  local function refused(body, signature, secret)
    local good, reason = webhook.verify(body, signature, secret or SECRET)
    assert.is_false(good)
    assert.is_string(reason)
    return reason
  end

  it("refuses another secret, and another body", function()
    assert.equal("the signature is wrong", refused(BODY, sign(BODY), SECRET .. "x"))
    for _, body in ipairs {
      BODY .. " ", BODY .. "\n", BODY:sub(1, -2), (BODY:gsub("confirmed", "cancelled", 1)), "", "\0" .. BODY,
      assert(core.encode(core.decode(BODY))),
    } do
      refused(body, sign(BODY))
    end
  end)

  it("refuses a signature that was changed at any place, or has another length", function()
    local signature = sign(BODY)
    for index = 1, #signature do
      local digit = signature:sub(index, index) == "0" and "1" or "0"
      refused(BODY, signature:sub(1, index - 1) .. digit .. signature:sub(index + 1))
      refused(BODY, signature:sub(1, index - 1))
    end
    for _, other in ipairs {
      signature .. "0", signature .. signature, signature .. "\0", " " .. signature, signature .. "\n",
      "sha256=" .. signature, signing.bytes(signature), signing.base64url(signing.bytes(signature)),
    } do
      refused(BODY, other)
    end
  end)

  it("never raises on what came", function()
    assert.equal("there is no body", refused(nil, nil))
    assert.equal("there is no signature", refused(BODY, nil))
    for _, junk in ipairs(NO_TEXTS) do
      refused(junk, sign(BODY))
      refused(BODY, junk)
      refused(junk, junk)
    end
    for _, junk in ipairs { "", "junk", "\0", "\255", ("f"):rep(64), ("f"):rep(1e6), "%x%x" } do refused(BODY, junk) end
  end)

  it("compares in constant time", function()
    local compared
    local equal = core.equal
    core.equal = function(a, b)
      compared = { a, b }
      return equal(a, b)
    end
    local good = webhook.verify(BODY, sign(BODY), SECRET)
    core.equal = equal
    assert.is_true(good)
    assert.same({ sign(BODY), sign(BODY) }, compared)
  end)

  it("raises without a secret, since anybody could sign with none", function()
    for _, secret in ipairs { "", 42, false, {}, core.null } do
      local message = blame(function() webhook.verify(BODY, sign(BODY, tostring(secret)), secret) end)
      assert.matches("timekit.webhook.verify: secret: expected the webhook's secret, got ", message, 1, true)
    end
    blame(function() webhook.verify(BODY, sign(BODY, "")) end)
  end)
end)

describe("webhook.parse", function()
  local tk, transport

  before_each(function()
    transport = scripted.new(function() return scripted.booking("cancelled", "instant") end)
    tk = timekit.new { app_key = "test_key", transport = transport }
  end)

  it("gives a handle that knows its graph and state, and the booking as it came", function()
    for _, name in ipairs {
      "webhook-payload-instant-confirmed-2016-PARTIAL", "webhook-payload-instant-confirmed-2017-PARTIAL",
    } do
      local body = fixture(name)
      local handle, booking = webhook.parse(body, { client = tk })
      assert.same(core.decode(body), booking)
      assert.same({ booking.id, "instant", "confirmed", false, false },
        { handle.id, handle.graph, handle.state, handle.completed, handle.is_test })
      assert.is_true(handle:can "cancel")
      assert.same({ "cancel", "cancel_by_customer", "reschedule_by_customer", "complete" }, handle:actions())
      assert.equal(0, #transport.requests)
    end
  end)

  it("acts on the booking", function()
    local box = timekit.sandbox.new()
    local boxed = timekit.new { transport = box }
    local booking = assert(boxed:create_booking {
      graph = "confirm_decline", start = "2030-03-01T08:00:00Z", ["end"] = "2030-03-01T09:00:00Z",
    })
    local handle = assert(webhook.parse(core.encode(booking), { client = boxed }))
    assert.equal("confirmed", assert(handle:confirm()).state)
    assert.equal("confirmed", handle.state)
    local again, err = handle:decline()
    assert.is_nil(again)
    assert.equal("transition", err.kind)
  end)

  it("refuses on the spot what is certain", function()
    local handle = assert(webhook.parse('{"id":"b1","graph":"instant","state":"cancelled","completed":true}',
      { client = tk }))
    local done, err = handle:cancel()
    assert.is_nil(done)
    assert.same({ "transition", true, "no" }, { err.kind, err.already, err.sent })
    assert.equal(0, #transport.requests)
  end)

  it("tells a test delivery", function()
    local function is_test(more)
      local handle, booking = webhook.parse('{"id":"b1","graph":"instant","state":"confirmed"' .. more .. "}",
        { client = tk })
      assert.equal("confirmed", booking.state)
      return handle.is_test
    end
    assert.is_true(is_test ',"isTest":true')
    for _, more in ipairs { "", ',"isTest":false', ',"isTest":null', ',"istest":true' } do
      assert.is_false(is_test(more))
    end
    assert.is_nil(tk:booking("b1").is_test)
  end)

  it("takes graphs and states that are not known here", function()
    local handle = assert(webhook.parse('{"id":"b1","graph":"walk_in","state":"sitting"}', { client = tk }))
    assert.same({ "walk_in", "sitting" }, { handle.graph, handle.state })
  end)

  it("gives an error for what is no booking, and never raises", function()
    local function refuses(body)
      local handle, err = webhook.parse(body, { client = tk })
      assert.is_nil(handle)
      assert.same({ "response", "no", 0, 0, false },
        { err.kind, err.sent, err.attempts, err.elapsed, err.retryable })
      assert.matches("^the webhook's body: ", err.message)
      assert.is_true(#tostring(err) < 1000 and not tostring(err):find("%c"))
      return err
    end
    assert.matches("expected a string, got nothing", refuses(nil).message, 1, true)
    for _, junk in ipairs(NO_TEXTS) do refuses(junk) end
    for _, junk in ipairs {
      "", " ", "junk", "<html>", "{", "[]", "[1]", "1", "null", "true", '"x"', "{}", '{"id":"b1"}', "\0", "\255",
      '{"id":"b1","graph":"instant"}', '{"id":"b1","state":"confirmed"}', '{"graph":"instant","state":"confirmed"}',
      '{"id":1,"graph":"instant","state":"confirmed"}', '{"id":"b1","graph":null,"state":"confirmed"}',
      '{"id":"b1","graph":"instant","state":["confirmed"]}', '[{"id":"b1","graph":"instant","state":"confirmed"}]',
      '{"id":"b1","graph":"","state":"confirmed"}', '{"id":"b1","graph":"instant","state":""}',
      '{"id":"","graph":"instant","state":"confirmed"}', '{"id":"..","graph":"instant","state":"confirmed"}',
      '{"id":"a\\nb","graph":"instant","state":"confirmed"}', BODY:sub(1, -3), BODY .. "x", ("["):rep(100000),
      ('{"id":"%s","graph":"instant","state":"confirmed"}'):format(("x"):rep(2000)), ("x"):rep(1e6),
    } do
      local err = refuses(junk)
      assert.equal(junk:sub(1, 65536), err.body)
    end
    assert.equal(0, #transport.requests)
  end)

  it("raises on wrong use", function()
    for _, case in ipairs {
      { "unknown option 'clinet', did you mean 'client'?", function() webhook.parse(BODY, { clinet = tk }) end },
      { "client: expected a client", function() webhook.parse(BODY, { client = {} }) end },
      { "client: expected a client", function() webhook.parse(BODY, { client = "tk" }) end },
      { "expected a table of options", function() webhook.parse(BODY, "tk") end },
    } do
      assert.matches("timekit.webhook.parse: " .. case[1], blame(case[2], case[1]), 1, true)
    end
    tk:close()
    assert.matches("timekit.webhook.parse: the client is closed",
      blame(function() webhook.parse(BODY, { client = tk }) end), 1, true)
  end)

  it("is of the default client unless told otherwise", function()
    timekit.configure { app_key = "test_key", transport = transport }
    local handle = assert(webhook.parse(BODY))
    assert.equal("cancelled", assert(handle:cancel()).state)
    assert.equal(1, #transport.requests)
  end)

  it("takes no key before the handle is used, and then says what is missing, to whom it concerns", function()
    local path = os.tmpname()
    local program = assert(io.open(path, "w"))
    program:write([[
      local timekit = require "timekit"
      local handle, booking = timekit.webhook.parse '{"id":"b1","graph":"instant","state":"confirmed"}'
      print(handle.graph, handle.state, handle.is_test, booking.id, tostring(handle))
      for _, use in ipairs {
        function()
          handle:cancel() -- line 6
        end,
        function()
          print(handle:can "cancel") -- line 9
        end,
        function()
          handle:link "cancel" -- line 12
        end,
        function()
          handle:start "cancel" -- line 15
        end,
      } do
        print(select(2, pcall(use)))
      end
      timekit.configure { app_key = "k" }
      print((handle:can "cancel"))
    ]])
    program:close()
    local output = shell.must(("env -u TIMEKIT_APP_KEY -u TIMEKIT_RESOURCE_KEY %s %s"):format(this_lua.command, path))
    os.remove(path)
    output = output:gsub("[^\n]-:(%d+): ([^\n:]+:[^\n:]+: no key): [^\n]*", "%1 %2")
    assert.equal("instant\tconfirmed\tfalse\tb1\ttimekit.booking (b1)\n6 booking:cancel: no key\n"
      .. "9 booking:can: no key\n12 booking:link: no key\n15 booking:start: no key\ntrue\n", output)
  end)
end)
