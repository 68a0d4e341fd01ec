-- An error as a user sees it, and the redactor that keeps keys out of it.
local Error = require "timekit.error"
local core = require "timekit.core"
local secret = require "timekit.call.redact"

local function is_valid_utf8(text)
  return core.encode(text) ~= nil
end

describe("an error", function()
  it("is one clear line as text", function()
    local err = Error.new { kind = "not_found", message = "Resource does not exist", sent = "yes" }
    assert.equal("timekit: not_found: Resource does not exist", tostring(err))
    err.status, err.request_id, err.retry_after = 429, "d37d74e7", 7
    assert.equal("timekit: not_found: Resource does not exist (HTTP 429, retry after 7 s, request d37d74e7)",
      tostring(err))
    assert.is_false(err.retryable)
  end)

  it("can be one of something that was never sent", function()
    local fields = { kind = "input", message = "end: required", action = "confirm" }
    local err = Error.unsent(fields)
    assert.same({ "no", 0, 0, false }, { err.sent, err.attempts, err.elapsed, err.retryable })
    assert.same({ "input", "confirm" }, { err.kind, err.action })
    assert.is_true(Error.is(err))
    assert.equal("timekit: input: end: required", tostring(err))
  end)

  it("stays one printable line of fewer than 1,000 bytes, whatever the server said", function()
    for _, text in ipairs {
      "a\nb\r\nc\td", "\27[31mred\27[0m", "a\0b\127c", "\194\155\194\133next\226\128\168line\226\128\169",
      ("x"):rep(1e6), ("\226\130\172"):rep(5000), ("x\n"):rep(5000), "\n\n", "",
    } do
      local err = Error.new { kind = "server", message = text, sent = "yes", request_id = text, status = text }
      for _, line in ipairs { tostring(err), err.message } do
        assert.is_true(#line < 1000)
        assert.is_nil(line:find("%c"))
        assert.is_nil(line:find("\194[\128-\159]"))
        assert.is_nil(line:find("\226\128[\168\169]"))
        assert.is_true(is_valid_utf8(line), line)
      end
    end
  end)

  it("keeps a body as it is, but for the end of a long text", function()
    local body = { a = 1 }
    assert.equal(body, Error.new({ kind = "server", message = "", body = body }).body)
    local err = Error.new { kind = "server", message = "", body = ("\226\130\172"):rep(100000) }
    assert.is_true(#err.body <= 65536 and #err.body > 65530)
    assert.is_true(is_valid_utf8(err.body))
  end)

  it("has a cause that is an error as well", function()
    local err = Error.new { kind = "uncertain", message = "?", cause = { kind = "server", message = "a\nb" } }
    assert.equal("timekit: server: a b", tostring(err.cause))
    assert.equal("timekit.error", getmetatable(err.cause).__name)
  end)
end)

describe("a redactor", function()
  local KEY = "live_api_key_X/y+Z=1"
  local redact = secret.redactor { { username = "", password = KEY } }

  it("removes a key in every form in which it travels", function()
    for _, form in ipairs {
      KEY, "live_api_key_X%2Fy%2BZ%3D1", "live_api_key_X%2fy%2bZ%3d1", "live_api_key_X\\/y+Z=1",
      -- base64(key), base64(":" .. key), made with coreutils' base64; without and with padding.
      "bGl2ZV9hcGlfa2V5X1gveStaPTE", "OmxpdmVfYXBpX2tleV9YL3krWj0x", "bGl2ZV9hcGlfa2V5X1gveStaPTE=",
    } do
      for _, frame in ipairs { "%s", "no such key: %s!", "x%sy", "%s%s", '{"key":"%s"}' } do
        local text = redact((frame:gsub("%%s", (form:gsub("%%", "%%%%")))))
        assert.is_nil(text:find("live_api", 1, true), text)
        assert.is_nil(text:find("bGl2ZV9", 1, true), text)
        assert.is_nil(text:find("OmxpdmV", 1, true), text)
        assert.matches("[redacted]", text, 1, true)
      end
    end
  end)

  it("removes a user's key together with the name", function()
    local clean = secret.redactor { { username = "marty@timekit.io", password = "abcd" } }
    -- base64("marty@timekit.io:abcd")
    assert.equal("Basic [redacted]", clean "Basic bWFydHlAdGltZWtpdC5pbzphYmNk")
    assert.equal("marty@timekit.io", clean "marty@timekit.io")
  end)

  it("removes several keys", function()
    local clean = secret.redactor { { password = "first_key" }, { username = "u", password = "second_key" } }
    assert.equal("[redacted] and [redacted]", clean "first_key and second_key")
    -- One that is the beginning of another must not leave the rest of it behind.
    clean = secret.redactor { { password = "abcd" }, { password = "abcdefgh" } }
    assert.equal("[redacted] [redacted]", clean "abcdefgh abcd")
  end)

  it("goes through tables, keys of tables and all", function()
    local body = { error = "bad " .. KEY, list = { KEY, { [KEY] = { KEY } } }, n = 1, ok = true, none = core.null }
    assert.equal(body, redact(body))
    assert.same({
      error = "bad [redacted]", list = { "[redacted]", { ["[redacted]"] = { "[redacted]" } } }, n = 1, ok = true,
      none = core.null,
    }, body)
  end)

  it("leaves what is not a text alone", function()
    for _, value in ipairs { 42, true, core.null } do assert.equal(value, redact(value)) end
    assert.is_nil(redact(nil))
  end)

  it("does not shred texts for the sake of a key too short to be one", function()
    for _, key in ipairs { "a", "io", "key" } do
      local clean = secret.redactor { { username = "", password = key } }
      assert.equal("a radio keyboard", clean "a radio keyboard")
    end
    -- base64(":key")
    assert.equal("Basic [redacted]=", secret.redactor({ { password = "key" } }) "Basic OmtleQ=")
  end)

  it("takes a key's characters for what they are", function()
    local clean = secret.redactor { { password = "k.y%[*+" } }
    assert.equal("[redacted] kxy%[*+", clean "k.y%[*+ kxy%[*+")
  end)
end)
