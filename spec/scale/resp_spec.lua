-- Redis's protocol: what commands become, and what is read from answers that come in pieces of any size.
local dice = require "spec.support.dice"
local resp = require "timekit.redis.resp"

-- Answers as bytes, and what they mean.
local ANSWERS = {
  { "+OK\r\n", "OK" }, { "+\r\n", "" },
  { "-ERR no\r\n", { err = "ERR no" } }, { ":0\r\n", 0 }, { ":-12\r\n", -12 },
  { "$0\r\n\r\n", "" }, { "$-1\r\n", false }, { "$5\r\na\r\nb\0\r\n", "a\r\nb\0" },
  { "*0\r\n", {} }, { "*-1\r\n", false },
  { "*2\r\n$1\r\na\r\n:5\r\n", { "a", 5 } },
  { "*3\r\n*2\r\n*0\r\n$-1\r\n+s\r\n-E x\r\n", { { {}, false }, "s", { err = "E x" } } },
}

-- What random bytes are made of.
local SIGNS = { "$", "*", ":", "+", "-", "\r\n", "1", "0", "9", "a", "\0" }

local function read_all(pieces)
  local decoder, values = resp.decoder(), {}
  for _, piece in ipairs(pieces) do
    decoder:feed(piece)
    while true do
      local there, value = decoder:next()
      if not there then break end
      values[#values + 1] = value
    end
  end
  return values
end

local function random_answer(own, depth)
  local kind = own:integer(1, depth < 5 and 6 or 5)
  if kind == 1 then return "+fine\r\n", "fine" end
  if kind == 2 then return "-OOM much\r\n", { err = "OOM much" } end
  if kind == 3 then
    local number = own:integer(-100000, 100000)
    return (":%d\r\n"):format(number), number
  end
  if kind == 4 then return "$-1\r\n", false end
  if kind == 5 then
    local text = ("\r\n$*:"):rep(own:integer(0, 40)):sub(1, own:integer(0, 120))
    return ("$%d\r\n%s\r\n"):format(#text, text), text
  end
  local parts, list = {}, {}
  for index = 1, own:integer(0, 4) do parts[index], list[index] = random_answer(own, depth + 1) end
  return ("*%d\r\n"):format(#parts) .. table.concat(parts), list
end

describe("RESP", function()
  it("writes commands", function()
    assert.equal("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", resp.encode { "ECHO", "" })
    assert.equal("*2\r\n$3\r\n0.5\r\n$16\r\n1732957200123456\r\n", resp.encode { 0.5, 1732957200123456 })
  end)

  it("reads answers that are split at every byte", function()
    local bytes, values = {}, {}
    for index, answer in ipairs(ANSWERS) do bytes[index], values[index] = answer[1], answer[2] end
    local all = table.concat(bytes)
    for at = 0, #all do assert.same(values, read_all { all:sub(1, at), all:sub(at + 1) }) end
    local single = {}
    for at = 1, #all do single[at] = all:sub(at, at) end
    assert.same(values, read_all(single))
  end)

  it("reads random answers in random pieces", function()
    for seed = 1, 300 do
      local own = dice.new(seed, "resp")
      local bytes, values = {}, {}
      for index = 1, own:integer(1, 6) do bytes[index], values[index] = random_answer(own, 0) end
      local all, pieces, at = table.concat(bytes), {}, 1
      while at <= #all do
        local size = own:integer(1, own:pick { 1, 3, 20, 200 })
        pieces[#pieces + 1] = all:sub(at, at + size - 1)
        at = at + size
      end
      assert.same(values, read_all(pieces), "seed " .. seed)
    end
  end)

  it("raises a text, and nothing else, on whatever is no answer", function()
    local rng = dice.new(7, "wrong")
    local wrong = {
      "HTTP/1.1 400 Bad Request\r\n", ":\r\n", ":1.5\r\n", ":0x10\r\n", "$-2\r\n", "$x\r\n", "$1\r\nabc\r\n", "*-7\r\n",
      "*1e3\r\n", "$99999999999\r\n", ("*1\r\n"):rep(30), ("+" .. ("x"):rep(70000)), "\r\n", "_\r\n",
    }
    for _, text in ipairs(wrong) do
      local ok, problem = pcall(read_all, { text })
      assert.is_false(ok, text:sub(1, 30))
      assert.matches("^not an answer of Redis", problem)
    end
    for _ = 1, 3000 do
      local bytes = {}
      for index = 1, rng:integer(1, 30) do bytes[index] = rng:pick(SIGNS) end
      local ok, problem = pcall(read_all, { table.concat(bytes) })
      if not ok then assert.matches("^not an answer of Redis", problem) end
    end
  end)

  it("joins a long string once", function()
    local pieces, size = { "$4000000\r\n" }, 4000000
    for index = 1, size / 1000 do pieces[index + 1] = ("x"):rep(1000) end
    pieces[#pieces + 1] = "\r\n"
    local before = os.clock()
    assert.equal(size, #read_all(pieces)[1])
    -- Joining at each piece would copy 8 GB.
    assert.is_true(os.clock() - before < 2)
  end)
end)
