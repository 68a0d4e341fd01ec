-- A user saw: a proxy that is reached by https and has a certificate of the company's own authority was refused, with
-- `ca_file` or without, and the error advised `ca_file`.
local faults = require "spec.support.faults"
local timekit = require "timekit"

describe("an https proxy", function()
  local server, trust

  setup(function()
    server = faults.start()
    trust = os.tmpname()
    local file = assert(io.open(trust, "w"))
    for _, path in ipairs { server.ca_file, server.other_ca_file } do
      for line in io.lines(path) do file:write(line, "\n") end
    end
    file:close()
  end)
  teardown(function()
    os.remove(trust)
    server:close()
  end)

  it("is trusted by ca_file, as the server is", function()
    local id = server:plan()
    local tk = timekit.new {
      app_key = "k", base_url = server.url.tls .. "/f/" .. id, ca_file = trust, proxy = server.url.tls_proxy,
      retries = 0,
    }
    local tunnels = #server:stats().proxied
    tk:booking("b1"):get()
    assert.equal(1, server:seen(id).complete)
    assert.equal(tunnels + 1, #server:stats().proxied)
    tk:close()
  end)
end)
