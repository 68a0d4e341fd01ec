-- A user saw: answers without their X-Request-Id in a host with a Turkish locale, where I is not the capital of i.
-- Such a host could also set headers that are libcurl's own.
local shell = require "spec.support.shell"
local this_lua = require "spec.support.this_lua"

local CODE = [[
assert(os.setlocale("odd", "ctype"))
local core = require "timekit.core"
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local engine = core.engine { base_url = "http://127.0.0.1:" .. port }

local transfer = engine:start { method = "GET", target = "/" }
local peer = assert(listener:accept())
peer:send("HTTP/1.1 200 OK\r\nX-REQUEST-ID: 7\r\nContent-Length: 0\r\n\r\n")
while not transfer:done() do engine:wait(1) end
print(transfer:header("x-request-id"), transfer:result().headers["x-request-id"])
print(pcall(engine.start, engine, { method = "GET", target = "/", headers = { ["TRANSFER-ENCODING"] = "chunked" } }))
]]

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- `format` with the codes of each letter, capital and small, as LC_CTYPE lists them.
local function letters(format, but)
  local list = {}
  for letter in ("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):gsub(but or "", ""):gmatch(".") do
    local codes = { A = ("<U%04X>"):format(letter:byte()), a = ("<U%04X>"):format(letter:byte() + 32) }
    table.insert(list, (format:gsub("%a", codes)))
  end
  return table.concat(list, ";")
end

-- Few machines have a Turkish locale. localedef is part of every Debian (libc-bin), the sources of locales are not.
local function make_locale(folder)
  local map = { "<code_set_name> ODD\n<mb_cur_min> 1\n<mb_cur_max> 1\n<escape_char> /\nCHARMAP" }
  for byte = 0, 127 do table.insert(map, ("<U%04X> /x%02x NAME"):format(byte, byte)) end
  write(folder .. "/map", table.concat(map, "\n") .. "\nEND CHARMAP\n")
  write(folder .. "/source", table.concat({
    "LC_CTYPE", "upper " .. letters("A"), "lower " .. letters("a"), "tolower " .. letters("(A,a)", "I"),
    "END LC_CTYPE\n",
  }, "\n"))
  -- It complains about the categories that are left out, and writes the locale all the same.
  os.execute(("localedef -c -i %s/source -f %s/map %s/odd >/dev/null 2>&1"):format(folder, folder, folder))
end

it("headers are found, and refused, whatever the locale says of upper and lower case", function()
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -m 700 " .. folder))
  make_locale(folder)
  write(folder .. "/code.lua", CODE)
  local _, output = shell.run(("LOCPATH=%s %s %s/code.lua"):format(folder, this_lua.command, folder))
  os.execute("rm -r " .. folder)
  assert.equal("7\t7\nfalse\theaders: expected names and values of a header, without line breaks\n", output)
end)
