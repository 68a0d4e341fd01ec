--- lua-curl, on Lua 5.1: the easy interface of libcurl, decoded by lua-cjson.
local cjson = require "cjson"
local curl = require "curl"
local slice = require "spec.bench.slice"

local parts = {}
local function keep(part, size)
  parts[#parts + 1] = part
  return size, nil
end

local easy = assert(curl.easy_init())
easy:setopt(curl.OPT_URL, slice.url)
easy:setopt(curl.OPT_CUSTOMREQUEST, "PUT")
easy:setopt(curl.OPT_POSTFIELDS, slice.body)
easy:setopt(curl.OPT_HTTPHEADER, { "Authorization: " .. slice.auth, "Content-Type: application/json" })
easy:setopt(curl.OPT_WRITEFUNCTION, keep)
-- lua-curl cannot tell the status, so a failing status is made an error.
easy:setopt(curl.OPT_FAILONERROR, 1)

for _ = 1, slice.total do
  local code, problem = easy:perform()
  assert(code == 0, problem)
  slice.answered(cjson.decode(table.concat(parts)).data)
  parts = {}
end
slice.report()
