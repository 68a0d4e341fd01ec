-- A user saw: `"allowed":{}` in the JSON of an error once a booking was completed, where other errors had a list.
local programs = require "spec.support.program"

describe("an error that names the possible actions", function()
  local program
  setup(function() program = programs.new() end)
  teardown(function() program:close() end)

  it("has an empty list where none is", function()
    local id = program:booking()
    assert.equal(0, (program:run("timekit decline " .. id)))
    local code, _, notes = program:run(("timekit confirm %s -o json"):format(id))
    assert.same({ 1, '"allowed":[]' }, { code, notes:match '"allowed":%p%p' })
    program:write("rows.csv", "id\n" .. id .. "\n")
    local output
    code, output = program:run "timekit bulk rows.csv confirm -q"
    assert.same({ 8, '"allowed":[]' }, { code, output:match '"allowed":%p%p' })
  end)
end)
