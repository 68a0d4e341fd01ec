-- A user saw: a header with a NUL in it, sent without complaint and cut off at the NUL.
local core = require "timekit.core"

-- Requests with this header alone take a way of their own.
it("a NUL in the only header of a request is refused, and not taken for its end", function()
  local engine = core.engine { base_url = "http://127.0.0.1:9" }
  for name, value in pairs { ["Content-Type"] = "application/json\0x", ["Content-Type\0"] = "application/json" } do
    assert.has_error(function()
      engine:start { method = "PUT", target = "/x", body = "{}", headers = { [name] = value } }
    end, "headers: expected no NUL character")
  end
  engine:close()
end)
