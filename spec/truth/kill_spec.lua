-- A program that is killed at any byte and started again does each action once.
local core = require "timekit.core"
local cut_proxy = require "spec.support.cut_proxy"
local dice = require "spec.support.dice"
local process = require "spec.support.process"
local sandbox_server = require "spec.support.sandbox_server"
local this_lua = require "spec.support.this_lua"

-- The actions of each booking, one task each.
local PATHS = {
  { graph = "confirm_decline", "confirm", "cancel" },
  { graph = "confirm_decline", "decline" },
  { graph = "instant", "reschedule_by_customer" },
  { graph = "instant_payment", "pay", "complete" },
}

local function write(path, lines)
  local file = assert(io.open(path, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end

describe("a program that is killed", function()
  local served, proxy, tasks_path, journal_path

  before_each(function()
    served = sandbox_server.start()
    proxy = cut_proxy.start(served.port)
    tasks_path, journal_path = os.tmpname(), os.tmpname()
  end)
  after_each(function()
    proxy:close()
    served:close()
    os.remove(tasks_path)
    os.remove(journal_path)
  end)

  -- Creates bookings; the tasks, in an order in which they are possible.
  local function make_tasks(count)
    local tasks = {}
    local paths = {}
    for index = 1, count do
      local path = PATHS[index % #PATHS + 1]
      local status, answer = served:request("POST", "/v2/bookings", assert(core.encode {
        graph = path.graph, start = "2099-01-01T10:00:00Z", ["end"] = "2099-01-01T11:00:00Z",
      }))
      assert.equal(201, status)
      paths[index] = { id = answer.data.id, path = path }
    end
    for step = 1, 2 do
      for _, entry in ipairs(paths) do
        if entry.path[step] then tasks[#tasks + 1] = { id = entry.id, action = entry.path[step] } end
      end
    end
    local lines = {}
    for index, task in ipairs(tasks) do lines[index] = task.id .. " " .. task.action end
    write(tasks_path, lines)
    return tasks
  end

  -- Runs the program until it is done, or killed when so many bytes have passed or soon after. Returns what it said.
  local function run(bytes, soon)
    local program = process.start(("sh -c 'echo $$; exec %s spec/support/diligent.lua http://127.0.0.1:%s/v2 %s %s'")
      :format(this_lua.command, proxy.port, tasks_path, journal_path))
    proxy:kill(program.line, bytes, soon)
    program:say("go")
    local said = program:read()
    proxy:kill(nil)
    program:close()
    return said
  end

  local function read_journal()
    local told, begun = {}, 0
    for line in io.lines(journal_path) do
      local number, outcome = line:match("^end (%d+) (%a+)%.$")
      if number then told[tonumber(number)] = outcome end
      begun = tonumber(line:match("^begin (%d+)%.$")) or begun
    end
    return told, begun
  end

  -- Compares what the program was told with what happened. Returns the number of tasks whose end it knows, and how
  -- often the next task was applied if it was begun.
  local function check(tasks)
    local told, begun = read_journal()
    local _, answer = served:request("GET", "/_sandbox/bookings")
    local times, doubt = {}, nil
    for _, booking in ipairs(answer.data) do
      for _, step in ipairs(booking.history) do
        local key = booking.id .. " " .. tostring(step.action)
        times[key] = (times[key] or 0) + 1
      end
    end
    for number, task in ipairs(tasks) do
      local applied = times[task.id .. " " .. task.action] or 0
      local about = ("task %d of %d: %s, told: %s, applied %d times"):format(
        number, #tasks, task.action, tostring(told[number]), applied)
      if told[number] then
        -- A task that is applied already was begun before a kill.
        assert.is_true(told[number] == "success" or told[number] == "already", about)
        assert.equal(1, applied, about)
      elseif number == begun then
        assert.is_true(applied <= 1, about)
        doubt = applied
      else
        assert.equal(0, applied, about)
      end
    end
    return #told, doubt
  end

  -- Runs the program again and again until all tasks are done; counts in `kills` at which moments it was killed.
  local function carry_on(own, kills)
    local tasks = make_tasks(24)
    write(journal_path, {})
    local known, doubt, finished
    repeat
      proxy:begin(1, 0)
      finished = run(own:integer(1, 2500), own:chance(0.3)) == "done"
      proxy:settle()
      known, doubt = check(tasks)
      if not finished then
        local moment = doubt or "between"
        kills[moment] = kills[moment] + 1
      end
    until finished
    assert.equal(#tasks, known)
  end

  -- Some kills come before an action was applied, and some between its effect and its answer. On a busy machine a kill
  -- may come so late that the program is done: then there are more tasks.
  it("was told the truth, and can carry on", function()
    local own = dice.new(3, "kill")
    local kills = { [0] = 0, [1] = 0, between = 0 }
    local rounds = 0
    repeat
      rounds = rounds + 1
      assert.is_true(rounds <= 20, ("%d %d %d"):format(kills[0], kills[1], kills.between))
      carry_on(own, kills)
    until kills[0] > 0 and kills[1] > 0
  end)
end)
