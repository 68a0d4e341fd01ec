--- lua-curl, lua-cjson, on Lua 5.1: one request in a fresh process.
local cjson = require "cjson"
local curl = require "curl"

local parts = {}
local function keep(part, size)
  parts[#parts + 1] = part
  return size, nil
end

local easy = assert(curl.easy_init())
easy:setopt(curl.OPT_URL, arg[1])
easy:setopt(curl.OPT_CUSTOMREQUEST, "PUT")
easy:setopt(curl.OPT_POSTFIELDS, os.getenv("BENCH_BODY"))
easy:setopt(curl.OPT_HTTPHEADER, { "Authorization: " .. os.getenv("BENCH_AUTH"), "Content-Type: application/json" })
easy:setopt(curl.OPT_WRITEFUNCTION, keep)
easy:setopt(curl.OPT_FAILONERROR, 1)
local code, problem = easy:perform()
assert(code == 0, problem)
print(cjson.decode(table.concat(parts)).data.state)
