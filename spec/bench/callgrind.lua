--- Counts instructions, by the file that they stand in: the interpreter, a shared library.
local load = require "spec.bench.load"
local shell = require "spec.support.shell"

local callgrind = {}

-- Libraries that all use: their instructions count for the caller.
local SHARED = { "^libc%.so", "^ld%-linux", "^libm%.so", "^libpthread", "^libdl", "^libgcc", "^%?%?%?$", "^%[vdso" }

local function is_shared(object)
  for _, pattern in ipairs(SHARED) do
    if object:find(pattern) then return true end
  end
  return false
end

-- The loader calls the program's start, so all of the program would count as the loader's.
local START = "^__libc_start_main"

-- A name stands in full the first time, `(12) name`, and as `(12)` after that.
local function new_names()
  local names = {}
  return function(text)
    local number, name = text:match("^(%(%d+%))%s*(.*)$")
    if name ~= "" then names[number] = name:match("[^/]*$") end
    return names[number]
  end
end

--- Reads what callgrind wrote.
-- @tparam string path
-- @treturn table file's name → instructions: its own, and those of shared libraries that it called
-- @treturn number all instructions
function callgrind.read(path)
  local cost, object_of, function_of = {}, new_names(), new_names()
  local object, called, callee, total
  local function add(name, count) cost[name] = (cost[name] or 0) + count end
  local in_call = false
  for line in io.lines(path) do
    local key, value = line:match("^(%a+)[=:]%s*(.*)$")
    if key == "ob" then
      object = object_of(value)
    elseif key == "cob" then
      called = object_of(value)
    elseif key == "fn" or key == "cfn" then
      callee = function_of(value)
    elseif key == "calls" then
      in_call = true
    elseif key == "totals" then
      total = tonumber(value)
    elseif line:find("^[%d+*-]") then
      local count = tonumber(line:match(" (%d+)$"))
      if not in_call then
        if not is_shared(object) then add(object, count) end
      else
        -- Without a name it is a call within the same file.
        local leaves = called and is_shared(called) and not is_shared(object)
        if leaves and not callee:find(START) then add(object, count) end
        in_call, called = false, nil
      end
    end
  end
  return cost, total
end

local function run_twice(environment, command, few, many)
  local folder = shell.must("mktemp -d"):match("%S+")
  local function count(items)
    local path = folder .. "/" .. items
    load.run(("%svalgrind -q --tool=callgrind --callgrind-out-file=%s %s %d"):format(environment, path, command, items))
    return { callgrind.read(path) }
  end
  local less, more = count(few), count(many)
  shell.must("rm -rf " .. folder)
  return less, more
end

--- As `per_item`, whatever file they stand in.
-- @treturn number instructions
function callgrind.total_per_item(environment, command, few, many)
  local less, more = run_twice(environment, command, few, many)
  return (more[2] - less[2]) / (many - few)
end

--- Runs a command twice, with a smaller and a greater count as its last argument, so that what happens once does not
-- count.
-- @tparam string environment of `load.environment`
-- @tparam string command
-- @tparam integer few
-- @tparam integer many
-- @treturn table file's name → instructions for each of what is counted
function callgrind.per_item(environment, command, few, many)
  local less, more = run_twice(environment, command, few, many)
  local each, sum = {}, 0
  for name, instructions in pairs(more[1]) do
    each[name] = (instructions - (less[1][name] or 0)) / (many - few)
    sum = sum + each[name]
  end
  local share = sum / ((more[2] - less[2]) / (many - few))
  assert(share > 0.98 and share < 1.02, ("%.3f of the instructions were found"):format(share))
  return each
end

return callgrind
