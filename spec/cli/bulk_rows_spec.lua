-- What `timekit bulk` reads: CSV and JSONL, right and wrong.
local lines = require "timekit.cli.bulk.lines"
local rows = require "timekit.cli.bulk.rows"
local timekit = require "timekit"

local tk = timekit.new { app_key = "test_api_key" }

-- All rows of a text that comes in parts of so many bytes.
local function read(text, path, action, size)
  local at = 1
  local function chunks()
    if at > #text then return nil end
    local chunk = text:sub(at, at + size - 1)
    at = at + size
    return chunk
  end
  local next_row = rows.read(chunks, {
    path = path or "rows", action = action, handle = function(id) return tk:booking(id) end,
  })
  local list = {}
  for row in next_row do list[#list + 1] = row end
  return list
end

-- The same rows come out however the text is cut; they are told as `line: id action inputs`, or `line: problem`.
local function told(text, path, action)
  local texts
  for _, size in ipairs { 65536, 7, 1 } do
    local now = {}
    for index, row in ipairs(read(text, path, action, size)) do
      assert.equal(index, row.number)
      local inputs = {}
      for name, value in pairs(row.inputs or {}) do inputs[#inputs + 1] = name .. "=" .. tostring(value) end
      table.sort(inputs)
      local right = table.concat({ tostring(row.id), tostring(row.action), table.concat(inputs, ",") }, " ")
      now[index] = row.line .. ": " .. (row.problem or right)
    end
    assert.same(texts or now, now)
    texts = now
  end
  return texts
end

local NOT_CLOSED = "a quote that begins in this line is not closed; what follows was not checked"

describe("rows of CSV", function()
  it("are quoted as in RFC 4180, over several lines, with any line ends and a byte order mark", function()
    assert.same({ "2: b1 decline message=a \"b\", c\r\nd", "4: b2 confirm ", "6: b3 cancel message=ü" }, told(
      '\239\187\191id,action,message\r\n"b1",decline,"a ""b"", c\r\nd"\r\nb2,"confirm",\n\r\nb3,cancel,ü'))
  end)

  it("have inputs of the types that the graphs know", function()
    local row = read("id,action,enabled,message,extra\nb1,decline,true,5,7\n", "x.csv", nil, 100)[1]
    assert.same({ enabled = true, message = "5", extra = "7" }, row.inputs)
  end)

  it("have the action of all rows where they name none, and a key", function()
    local row = read("key,id\nk1,b1\n", "x.csv", "confirm", 100)[1]
    assert.same({ "k1", "confirm", nil }, { row.key, row.action, row.inputs })
  end)

  it("are named by their lines when they are wrong, and the right ones among them are none the worse", function()
    assert.same({
      "2: 2 cells, but the header has 3", "3: 4 cells, but the header has 3", "4: b1 confirm ",
      "5: a quote inside a cell: quote the whole cell, and write it twice",
      "6: a quote ends before the cell does: write it twice inside a cell in quotes (character 13)",
      "7: no id", "8: no action: give one in the row, or one for all rows behind the file",
      "9: no known graph has an action 'cnfirm', did you mean 'confirm'?",
      "10: inputs.enabled: expected a boolean, got a string", "11: a NUL byte",
      "12: invalid UTF-8 (at byte 12)",
      "13: a carriage return without a line feed", "14: " .. NOT_CLOSED,
    }, told(table.concat({
      "id,action,enabled", "b1,confirm", "b1,confirm,,", "b1,confirm,", 'b"1,confirm,', 'b1,"confirm"x,', ",confirm,",
      "b1,,", "b1,cnfirm,", "b1,decline,perhaps", "b\0001,confirm,", "b1,confirm,\255", "b1,confirm,\rx",
      'b1,confirm,"', "b1,confirm,", "",
    }, "\n")))
  end)

  it("are not read behind a wrong header", function()
    for header, problem in pairs {
      ["id,id"] = "two columns have the name 'id'", ["action,"] = "column 2 has no name",
      ["ID,action"] = "no column 'id', but one 'ID'", x = "no column 'id'",
      ["id;action"] = "no column 'id': are commas what separates the columns?",
      ["\255\254i\0d\0"] = "the file is UTF-16: expected UTF-8", ['"id'] = NOT_CLOSED,
    } do
      assert.same({ "1: " .. problem }, told(header .. "\nb1,confirm\n"))
    end
  end)

  it("may be none", function()
    for _, text in ipairs { "", "\n", "id,action", "id,action\r\n", "\239\187\191" } do assert.same({}, told(text)) end
  end)
end)

describe("rows of JSONL", function()
  it("are objects, one in each line", function()
    assert.same({ "1: b1 decline message=x", "3: b2 confirm ", "4: b/3 confirm " }, told(
      '{"id":"b1","action":"decline","inputs":{"message":"x"},"key":7}\n\n'
      .. '{"id":"b2","inputs":null,"action":null}\r\n{"id":"b/3"}', nil, "confirm"))
  end)

  it("are named by their lines when they are wrong", function()
    local texts = told(table.concat({
      '{"id":"b1"', " []", '{"id":"b1","acton":"confirm"}', '{"id":"b1","inputs":[]}', '{"id":"b1","key":{}}',
      '{"id":5}', '{"id":""}', '{"id":".."}', '{"id":"b1","action":"confirm"}',
      '{"id":"b1","action":"decline","inputs":{"mesage":"x"}}',
      '{"id":"b\255"}', '{"id":"b\0"}', '{"id":"b1","action":7}', '{"id":"b1","key":9007199254740993}',
      '{"id":"b1","key":-9007199254740991}',
    }, "\n"), "rows.jsonl", "confirm")
    for index, problem in ipairs {
      "^1: not JSON: ", "^2: expected an object, got an array", "^3: unknown field 'acton', did you mean 'action'%?",
      "^4: inputs: expected an object, got an array", "^5: key: expected a string or a number, got ",
      "^6: id: expected a string",
      "^7: id: ", "^8: id: ", "^9: b1 confirm $", "^10: inputs.mesage: unknown, did you mean 'message'%?",
      "^11: invalid UTF%-8", "^12: not JSON: ", "^13: action: expected a string, got a number",
      "^14: key: a number this large would not be repeated as it is: put it in quotes", "^15: b1 confirm $",
    } do
      assert.matches(problem, texts[index])
    end
    assert.equal(15, #texts)
  end)
end)

describe("a JSON array", function()
  it("is not JSONL", function()
    for _, text in ipairs { '[{"id":"b1"}]', '[\n{"id":"b1"}\n]' } do
      local list = told(text, "rows.json", "confirm")
      assert.same({ "1: the file is a JSON array: expected an object in each line" }, list)
    end
  end)
end)

describe("a row", function()
  it("may not be longer than memory should hold, and is passed over then", function()
    local long = ("x"):rep(lines.LONGEST + 1)
    local too_long = ("longer than %d bytes"):format(lines.LONGEST)
    for _, size in ipairs { 65536, #long + 100 } do
      local list = read('{"id":"' .. long .. '"}\n{"id":"b1"}\n' .. long, "rows.jsonl", "confirm", size)
      assert.same({ too_long, nil, too_long }, { list[1].problem, list[2].problem, list[3].problem })
      list = read('id\n"' .. long .. '"\nb1\n', "rows.csv", "confirm", size)
      assert.same({ too_long, "b1" }, { list[1].problem, list[2].id })
      list = read('id\n"' .. ("x\n"):rep(lines.LONGEST) .. '"\nb1\n', "rows.csv", "confirm", size)
      assert.same({ NOT_CLOSED, nil }, { list[1].problem, list[2] })
    end
  end)
end)
