--- Requests to the sandbox that no fault and no cut may hit.
local core = require "timekit.core"

local control = {}
control.__index = control

local HEADERS = { ["Content-Type"] = "application/json" }

--- @tparam string url the sandbox's, without a path
-- @treturn table
function control.new(url)
  local engine = core.engine {
    base_url = url, username = "", password = "test_api_key_1", max_response = 1024 * 1024 * 1024,
  }
  return setmetatable({ engine = engine }, control)
end

--- Sends a request and waits for the answer, which must be a success.
-- @tparam string method
-- @tparam string target
-- @tparam ?table body
-- @return the answer's `data`
function control:request(method, target, body)
  local transfer = self.engine:start {
    method = method, target = target, headers = HEADERS, body = body and assert(core.encode(body)), timeout = 60,
  }
  while not transfer:done() do self.engine:wait(60) end
  local result = transfer:result()
  if result.reason ~= "ok" or result.status > 299 then
    error(("%s %s: %s %s %s"):format(method, target, result.text, tostring(result.status), tostring(result.body)), 2)
  end
  local answer = result.body ~= "" and assert(core.decode(result.body)) or {}
  return answer.data
end

function control:close()
  self.engine:close()
end

return control
