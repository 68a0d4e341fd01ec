-- A user saw: a link that seemed to lead to one host and took the browser to another.
local blame = require "spec.support.blame"
local scripted = require "spec.support.scripted"
local timekit = require "timekit"

local KEY = "test_api_key_1"

describe("a link", function()
  local handle, path

  before_each(function()
    handle = timekit.new({ app_key = KEY, transport = scripted.new {} }):booking("b1")
    path = assert(handle:link "cancel"):gsub("^https://[^/]*", "")
  end)

  it("has no redirect whose host is another one once it is decoded, as browsers do", function()
    for _, redirect in ipairs {
      "https://%65vil.example", "https://example.com%40evil.example", "https://example.com%2f.evil.example",
      "https://%", "https://%00", "http://%5cevil.example",
    } do
      local message = blame(function() handle:link("cancel", { redirect = redirect }) end, redirect)
      assert.matches("redirect: expected an http or https URL with a host", message, 1, true)
      local found, problem = timekit.link.parse(path .. "&redirect=" .. (redirect:gsub("%%", "%%25")))
      assert.is_nil(found)
      assert.matches("^its redirect: ", problem)
    end
    assert(handle:link("cancel", { redirect = "https://example.com/%40%2f%00" }))
  end)

  it("is no path where a browser would take it for another host", function()
    assert.is_true(timekit.link.verify(path, KEY))
    for _, url in ipairs { "//evil.example" .. path, "/" .. path, "//" } do
      local found, problem = timekit.link.parse(url)
      assert.is_nil(found)
      assert.equal("expected an http or https URL", problem)
      assert.is_false((timekit.link.verify(url, KEY)))
    end
  end)
end)
