-- What the core has for the program: signals that are counted, who may read a file, a terminal's width.
local core = require "timekit.core"
local shell = require "spec.support.shell"

local process = core.program

describe("the core", function()
  it("counts signals, and a wait ends when one comes", function()
    local pid = shell.must "echo $PPID":match "%d+"
    process.catch_signals()
    assert.equal(0, process.signals())
    os.execute(("(sleep 0.1; kill -TERM %s) &"):format(pid))
    local began = core.now()
    while process.signals() == 0 and core.now() - began < 20 do core.sleep(20) end
    assert.equal(1, process.signals())
    process.catch_signals()
    assert.equal(0, process.signals())
    process.release_signals()
  end)

  it("knows whether others may read or change a file", function()
    local path = os.tmpname()
    for mode, is_private in pairs { [600] = true, [400] = true, [640] = false, [604] = false, [602] = false } do
      shell.must(("chmod %d %s"):format(mode, path))
      assert.equal(is_private, process.is_private(path))
    end
    os.remove(path)
    assert.same({ n = 2, nil, "No such file or directory" }, { n = 2, process.is_private(path) })
  end)

  it("has no width for what is no terminal", function()
    assert.is_nil(process.columns(99))
    assert.has_error(function() process.columns "wide" end)
  end)
end)
