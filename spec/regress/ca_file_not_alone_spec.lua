-- A user saw: with `ca_file` set, which counts instead of what the system trusts, a server was accepted whose authority
-- is not in that file but in /etc/ssl/certs.
local faults = require "spec.support.faults"
local private_trust = require "spec.support.private_trust"
local this_lua = require "spec.support.this_lua"

local PROGRAM = [[
  local timekit = require "timekit"
  local tk = timekit.new { app_key = "k", base_url = %q, ca_file = %s, retries = 0, uncertain = "report" }
  local answer, err = tk:booking("b1"):get()
  io.write(answer and "answered" or err.sent == "yes" and "answered" or err.kind)
]]

describe("ca_file", function()
  local server, run, remove

  setup(function()
    server = faults.start()
    if not private_trust.problem() then
      run, remove = private_trust.new(server.ca_file, { bundle = true, folder = true })
    end
  end)
  teardown(function()
    if remove then remove() end
    server:close()
  end)

  local function told(ca_file)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(PROGRAM:format(server.url.tls .. "/f/" .. server:plan(), ca_file and ("%q"):format(ca_file) or "nil"))
    file:close()
    local ok, text = run(this_lua.command .. " " .. name)
    os.remove(name)
    assert.is_true(ok, text)
    return text
  end

  it("counts instead of all that the system trusts", function()
    local problem = private_trust.problem()
    if problem then pending(problem) return end
    assert.equal("answered", told(nil))
    assert.equal("answered", told(server.ca_file))
    assert.equal("network", told(server.other_ca_file))
  end)
end)
