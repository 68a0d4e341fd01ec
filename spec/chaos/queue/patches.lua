--- Changes of modules' sources: shorter leases and a clock that can be moved, without which a round would take minutes;
-- and the faults that the judge must catch.
local patches = {}

-- Module → list of { text, what it becomes }.
local ALWAYS = {
  ["timekit.methods.queue_worker"] = {
    { "local MARGIN = 10\n", "local MARGIN = 1.5\n" },
    { "FIRST_DELAY, LONGEST_DELAY = 1, 300", "FIRST_DELAY, LONGEST_DELAY = 0.1, 1" },
  },
  ["timekit.redis.scripts.queue"] = {
    { "local time = redis.call('TIME')\n",
      "local time = redis.call('TIME')\ntime[1] = time[1] + tonumber(redis.call('GET', 'clock') or 0)\n" },
  },
}

--- The faults that are put in on purpose, by their names.
patches.CONTROLS = {
  ["no mark"] = { ["timekit.methods.queue_worker"] = {
    { "operation.announce = job.is_bulk, announcer(self, job, state)", "operation.announce = job.is_bulk, nil" },
  } },
  ["no fence"] = { ["timekit.redis.scripts.queue"] = {
    { "if found[1] == 'run' and found[2] == fence then return found end", "if found[3] then return found end" },
  } },
  ["no order"] = { ["timekit.redis.scripts.queue"] = {
    { "  count('added')\n", "  count('added')\n  redis.call('ZADD', due(class), text(now), id)\n" },
  } },
  ["truncated file"] = {},
}

local function replace(source, from, to)
  local first, last = source:find(from, 1, true)
  assert(first, "not in the source: " .. from)
  return source:sub(1, first - 1) .. to .. source:sub(last + 1)
end

local function load_patched(name, list)
  local path = assert(package.searchpath(name, package.path))
  local file = assert(io.open(path))
  local source = file:read("a")
  file:close()
  for _, change in ipairs(list) do source = replace(source, change[1], change[2]) end
  package.loaded[name] = assert(load(source, "@" .. path))(name)
end

--- Loads the modules with their changes. To be called before anything else loads them.
-- @tparam ?string control one of CONTROLS
function patches.apply(control)
  local changes = {}
  local wanted = control and control ~= "" and assert(patches.CONTROLS[control], "no such control") or {}
  for _, set in ipairs { ALWAYS, wanted } do
    for name, list in pairs(set) do
      changes[name] = changes[name] or {}
      for _, change in ipairs(list) do table.insert(changes[name], change) end
    end
  end
  for _, name in ipairs { "timekit.redis.scripts.queue", "timekit.methods.queue_worker" } do
    if changes[name] then load_patched(name, changes[name]) end
  end
end

return patches
