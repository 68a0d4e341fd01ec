--- Whether all that names the version names the one of csrc/bind/version.h: `make lint` runs this. `--write` writes the
-- rockspec of that release, which is the one of a checkout with another source.
local function read(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

local version = assert(read("csrc/bind/version.h"):match('#define TK_VERSION "([^"]+)"'))
local release = ("rockspec/timekit-%s-1.rockspec"):format(version)

local SOURCE = [[
source = {
  url = "https://timekit-lua.invalid/releases/timekit-%s.tar.gz",
  tag = "v%s",
  dir = "timekit-%s",
}]]

local function rockspec()
  local text = read("rockspec/timekit-scm-1.rockspec")
  text = text:gsub('version = "scm%-1"', ('version = "%s-1"'):format(version))
  return (text:gsub("source = {.-\n}", (SOURCE:format(version, version, version))))
end

if arg[1] == "--write" then
  local file = assert(io.open(release, "w"))
  file:write(rockspec())
  file:close()
  return
end

local problems = 0
local function expect(good, ...)
  if good then return end
  problems = problems + 1
  print(string.format(...))
end

expect(read(release) == rockspec(), "%s: not what `lua5.4 spec/project/versions.lua --write` writes", release)
local others = 0
for path in io.popen("ls rockspec/*.rockspec"):lines() do
  if not path:find("scm", 1, true) then others = others + 1 end
end
expect(others == 1, "rockspec/: expected one rockspec of a release")
expect(read("CHANGELOG.md"):find("\n## " .. version .. "\n", 1, true), "CHANGELOG.md: no heading '## %s'", version)
local debian = read("rockspec/debian/changelog"):match("^timekit %(([^)-]+)%-")
expect(debian == version, "rockspec/debian/changelog: the version is %s, not %s", tostring(debian), version)
expect(read("lua/timekit/http/headers.lua"):find("timekit-lua/" .. version, 1, true),
  "lua/timekit/http/headers.lua: the example of the User-Agent has another version")

os.exit(problems == 0)
