--- A program that performs a list of actions and keeps a journal, for spec/truth/kill_spec.lua, which kills it.
-- Its arguments are the client's base URL; a file of tasks, each a line with a booking's id and an action; the journal.
-- It notes each action before and after. What has no end in the journal it does again.
-- It waits for a line on its standard input before it begins, and says `done` when nothing is left.
local timekit = require "timekit"

local url, tasks_path, journal_path = arg[1], arg[2], arg[3]

local done = 0
for line in io.lines(journal_path) do
  -- The last line may be torn; without its end the task is not done.
  local number = line:match("^end (%d+) %a+%.$")
  if number then done = tonumber(number) end
end

local tasks = {}
for line in io.lines(tasks_path) do
  local id, action = line:match("^(%S+) (%S+)$")
  tasks[#tasks + 1] = { id = id, action = action }
end

local journal = assert(io.open(journal_path, "a"))
local function note(text)
  journal:write("\n", text)
  journal:flush()
end

io.read("*l")
local tk = timekit.new { app_key = "test_api_key_1", base_url = url }
for number = done + 1, #tasks do
  note(("begin %d."):format(number))
  local booking, err = tk:booking(tasks[number].id):action(tasks[number].action)
  local outcome = booking and "success" or err.already and "already" or err.kind
  note(("end %d %s."):format(number, outcome))
end
print("done")
