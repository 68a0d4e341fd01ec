-- A user saw: the password of a proxy in err.message, and so in the log.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local this_lua = require "spec.support.this_lua"
local timekit = require "timekit"

-- The password is in two halves, none of which may be told. What stands between them decides how a proxy is misread.
local FIRST, SECOND = "7391", "wvk7"

-- None of these can be used.
local UNREADABLE = {
  "http://user:%s/%s@127.0.0.1:1", "user:%s/%s@127.0.0.1:1", "http://user:%s?%s@127.0.0.1:1",
  "http://user:%s#%s@127.0.0.1:1", "http://user:%s%s@127.0.0.1:99999", "http://user:%s%s@127.0.0.1:port",
  "user:%s %s@127.0.0.1:1", "http://user:%s' %s@127.0.0.1:1", "http://user:%s\"/%s@127.0.0.1:1",
  "ftp://user:%s%s@127.0.0.1", "http:/user:%s%s@127.0.0.1:1", "http:///user:%s%s@127.0.0.1:1",
  "://user:%s%s@127.0.0.1", "http://user:%s%%2F%s@127.0.0.1:x", "http://user:%s@%s@[::1",
}

-- These are proxies, where nobody listens.
local READABLE = {
  "http://user:%s%%2F%s@127.0.0.1:1", "user:%s%s@127.0.0.1:1", "http://user:%s'%s@127.0.0.1:1",
  "socks5h://user:%s%s@127.0.0.1:1", "http://user:%s%s@proxy.invalid:1",
}

local function check_text(text, proxy)
  assert.is_nil(text:find(FIRST, 1, true) or text:find(SECOND, 1, true), proxy .. ": " .. text)
end

-- What a program prints of its error when the environment names the proxy.
local function error_under(variable, proxy)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write([[
    local timekit = require "timekit"
    local tk = timekit.new { app_key = "k", base_url = "https://timekit.invalid/v2", retries = 0 }
    local _, err = tk:booking("b1"):get()
    print(err.kind, err.sent, tostring(err), err.message)
  ]])
  file:close()
  local quoted = "'" .. proxy:gsub("'", [['\'']]) .. "'"
  local pipe = assert(io.popen(("env %s=%s no_proxy= %s %s 2>&1"):format(variable, quoted, this_lua.command, name)))
  local text = pipe:read("*a")
  pipe:close()
  os.remove(name)
  return text
end

describe("the password of a proxy is in no error", function()
  it("of an option", function()
    for _, form in ipairs(UNREADABLE) do
      local proxy = form:format(FIRST, SECOND)
      check_text(blame(function() timekit.new { app_key = "k", proxy = proxy } end, proxy), proxy)
    end
    for _, form in ipairs(READABLE) do
      local proxy = form:format(FIRST, SECOND)
      local tk = timekit.new { app_key = "k", base_url = "https://127.0.0.1:1", retries = 0, proxy = proxy }
      local _, err = tk:booking("b1"):get()
      assert.equal("network", err.kind)
      check_text(tostring(err), proxy)
      tk:close()
    end
  end)

  for index, variable in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
    it("of the environment's " .. variable, function()
      for position, form in ipairs(UNREADABLE) do
        if index == 1 or position <= 2 then
          local proxy = form:format(FIRST, SECOND)
          local text = error_under(variable, proxy)
          assert.truthy(text:find("^network\tno\t") or text:find("^response\tno\t"), text)
          check_text(text, proxy)
          assert.truthy(text:find("environment", 1, true), text)
        end
      end
      for position, form in ipairs(READABLE) do
        if index == 1 or position == 1 then
          local proxy = form:format(FIRST, SECOND)
          local text = error_under(variable, proxy)
          assert.truthy(text:find("^network\tno\t"), text)
          check_text(text, proxy)
        end
      end
    end)
  end

  it("that an answer causes by repeating it", function()
    local tk = timekit.new {
      app_key = "k", proxy = "http://user:7391%2Fwvk7@127.0.0.1:1",
      transport = scripted.new {
        scripted.answer(404, '{"error":"user:7391/wvk7, dXNlcjo3MzkxL3d2azc= or 7391%2Fwvk7"}'),
      },
    }
    local _, err = tk:booking("b1"):get()
    check_text(tostring(err), "echo")
    assert.is_nil(err.message:find("dXNlcjo3", 1, true))
  end)
end)
