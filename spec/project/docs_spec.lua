-- The documentation tells what each function for users takes and returns, with an example, and names each option.
local FILES = {
  "booking", "client", "graphs", "init", "link", "methods/batch", "methods/bulk/init", "methods/changes",
  "methods/connect", "methods/create", "methods/customer_links", "methods/free_request", "methods/lists",
  "methods/reservations", "methods/wait", "runtime/call", "sandbox/init", "webhook",
}

-- The part of the class that is for users; the rest of `timekit.link` and of a call is for the other modules.
local OWN = { ["Call:pass"] = true, ["Call:wake"] = true, ["link.make"] = true }

describe("the documentation of", function()
  local count = 0

  -- `doc`: the comment before the function.
  local function look(name, parameters, doc)
    count = count + 1
    it(name, function()
      assert.matches("^%-%-%- %u", doc)
      assert.matches("@usage", doc, 1, true)
      for parameter in parameters:gmatch("[%w_]+") do
        local said = false
        for line in doc:gmatch("@t?param[^\n]*") do said = said or line:find("%f[%w_]" .. parameter .. "%f[^%w_]") end
        assert(said, "nothing is said of the parameter " .. parameter)
      end
    end)
  end

  for _, name in ipairs(FILES) do
    local doc = ""
    for line in io.lines("lua/timekit/" .. name .. ".lua") do
      local text = line:match("^%s*(%-%-.*)")
      local fn, parameters = line:match("^%s*function (%u%a+:%l[%w_]*)%((.-)%)")
      if not fn then fn, parameters = line:match("^%s*function (%l+%.%l[%w_]*)%((.-)%)") end
      local is_public = fn and (fn:find("^[CB]") or fn:find("^timekit%.") or fn:find("^link%.")
        or fn:find("^webhook%.") or fn:find("^graphs%.") or fn:find("^sandbox%."))
      if is_public and not OWN[fn] then look(fn, parameters, doc) end
      doc = text and doc .. text .. "\n" or ""
    end
  end

  it("more than fifty functions is looked at", function() assert.is_true(count > 50, count) end)
end)

describe("the documentation of timekit.new", function()
  local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
  end

  it("has every option of the README's table", function()
    local documented = {}
    for name in read("lua/timekit/init.lua"):gmatch("@tparam %?%S+ opts%.([%w_]+)") do documented[name] = true end
    local rows, missing = read("README.md"):match("\n## Options\n(.-)\n## "), {}
    for cell in rows:gmatch("\n| (`[^|]*) |") do
      for name in cell:gmatch("`([%w_]+)`") do
        if not documented[name] then missing[#missing + 1] = name end
      end
    end
    assert.same({}, missing)
    assert.is_true(documented.runtime)
  end)
end)
