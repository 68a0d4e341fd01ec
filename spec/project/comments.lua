--- Whether what comments refer to is there: `make lint` runs this from the project's folder. It prints what is wrong
-- and ends with 1.
--
-- A reference is a path below lua/, csrc/ or spec/, or the name of a Markdown file. They are looked for in all files of
-- these folders, in the README, and in what make and CI run. A number behind spec/api.md is one of its sections.
-- Each regression spec begins with what a user saw.

local problems = 0

local function complain(...)
  problems = problems + 1
  print(string.format(...))
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local sections = {}
for number in read("spec/api.md"):gmatch("\n## (%d+)%. ") do sections[number] = true end

--- Checks a path that stands in `from`: it counts from the project's folder, or from that of the file.
local function check(path, from, line)
  path = path:gsub("[./]+$", "")
  local folder = from:match("^(.*/)") or ""
  local is_made = path:find("^build/")
  if not (is_made or exists(path) or exists(folder .. path)) then
    complain("%s:%d: there is no %s", from, line, path)
  end
end

local function check_file(path)
  local number = 0
  for line in (read(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    for from, name, to in line:gmatch("()%f[%w_./-]([%w_./-]+)()") do
      local is_path = name:find("%w%.md%.?$") or name:find("^lua/") or name:find("^csrc/") or name:find("^spec/")
      -- Behind a colon it is a part of a URL.
      local is_pattern = line:find("^[*%%:]", from - 1) or line:find("^[*%%$<[(?{]", to)
      if is_path and not is_pattern then check(name, path, number) end
    end
    for rest in line:gmatch("spec/api%.md ([%d, and]*%d)") do
      for section in rest:gmatch("%d+") do
        if not sections[section] then complain("%s:%d: spec/api.md has no section %s", path, number, section) end
      end
    end
  end
end

local pipe = assert(io.popen("find lua csrc spec .ci -type f -not -path 'spec/fuzz/corpus/*' "
  .. "-not -path 'spec/support/fixtures/*' | sort; ls Makefile README.md; find rockspec -type f | sort"))
for path in pipe:lines() do
  check_file(path)
  if path:find("^spec/regress/.*_spec%.lua$") and not read(path):find("^%-%- A user saw: ") then
    complain("%s:1: expected what a user saw, as in `-- A user saw: …`", path)
  end
end
pipe:close()

os.exit(problems == 0)
