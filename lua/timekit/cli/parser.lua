--- Reads the program's arguments by argparse.
-- Only the module of the command that is used is loaded: its name is found first, by the options that stand before it.
-- @module timekit.cli.parser

local commands = require "timekit.cli.commands"
local converters = require "timekit.cli.converters"
local failure = require "timekit.cli.failure"
local libraries = require "timekit.cli.libraries"

local parser = {}

-- Bytes in a line of the help.
local WIDTH = 100

-- The options of all commands. Without `argument` the option is a flag.
local OPTIONS = {
  { "--base-url", argument = "URL", about = "where the API is (TIMEKIT_BASE_URL)" },
  { "--timeout", argument = "S", about = "seconds for all of an operation, retries and waits included",
    convert = "seconds" },
  { "--retries", argument = "N", about = "further tries of a request, where that is safe", convert = "count" },
  { "--uncertain", argument = "HOW", about = "reconcile: find out what became of a lost action; report: do not",
    choices = { "reconcile", "report" } },
  { "--key-file", argument = "FILE", about = "a file that holds the app key", words = "file" },
  { "--profile", argument = "NAME", about = "a profile of $XDG_CONFIG_HOME/timekit/config" },
  { "-o", argument = "FORMAT", about = "table, json, jsonl or id; unless given a table on a terminal, else JSON",
    target = "output", words = { "table", "json", "jsonl", "id" } },
  { "--include", argument = "NAMES", about = "what else a booking is to show, such as customers,attributes" },
  { "-q", target = "quiet", about = "no progress and no notes on standard error" },
  { "-v", target = "verbose", about = "each try on standard error: method, path, status, ms" },
  { "--color", argument = "WHEN", about = "auto, always or never", choices = { "auto", "always", "never" } },
}

--- The options of all commands, for completion.
parser.OPTIONS = OPTIONS

local takes_value = {}
for _, option in ipairs(OPTIONS) do
  if option.argument then takes_value[option[1]] = true end
end

-- In a group of short options the first one that takes a value takes the rest of the group, or the next argument.
local function takes_next(word)
  if word:sub(1, 2) == "--" then return takes_value[word] end
  for index = 2, #word do
    if takes_value["-" .. word:sub(index, index)] then return index == #word end
  end
end

-- The command's name among the arguments; nil: there is none.
local function name_in(arguments)
  local index = 1
  while arguments[index] do
    local word = arguments[index]
    if word == "--" then return arguments[index + 1] end
    if word:sub(1, 1) ~= "-" or word == "-" then return word end
    index = index + (takes_next(word) and 2 or 1)
  end
end

local function add_options(root)
  for _, option in ipairs(OPTIONS) do
    local element
    if option.argument then
      element = root:option(option[1], option.about):argname(option.argument)
      if option.convert then element:convert(converters[option.convert](option[1])) end
      if option.choices then element:choices(option.choices) end
    else
      element = root:flag(option[1], option.about)
    end
    if option.target then element:target(option.target) end
  end
end

--- Loads the module of a command.
-- @tparam string name
-- @treturn table see `timekit.cli.commands`
function parser.load(name)
  return require("timekit.cli.commands." .. name)
end

-- The actions of the known graphs that are no commands: each is short for `action ID NAME`.
local function short_actions()
  local graphs, taken, names = require("timekit").graphs, {}, {}
  for _, entry in ipairs(commands) do taken[entry[1]] = true end
  for _, graph in pairs(graphs) do
    for _, action in ipairs(graph.actions) do
      if not taken[action.name] then
        taken[action.name] = true
        names[#names + 1] = action.name
      end
    end
  end
  table.sort(names)
  return names
end

parser.short_actions = short_actions

local function examples_of(module)
  local lines = { #module.examples > 1 and "Examples:" or "Example:" }
  for _, example in ipairs(module.examples) do lines[#lines + 1] = "   " .. example end
  return table.concat(lines, "\n") .. "\n\nOptions of all commands: timekit --help"
end

local function help_of_all()
  return ("Short for actions: %s\n\ntimekit COMMAND --help shows an example."):format(
    table.concat(short_actions(), ", "))
end

--- A parser for everything.
-- @tparam ?string used the command to define in full; nil: none
-- @tparam function on_help called with the parser whose help is asked for, or with `version`
-- @treturn table argparse's parser
-- @treturn ?table the module of the command
function parser.new(used, on_help)
  local root = libraries.argparse()("timekit", "Performs actions on Timekit bookings, and tells what became of them.")
  root:add_help(false):command_target("command"):help_max_width(WIDTH):usage_max_width(WIDTH)
  add_options(root)
  local function with_help(element)
    element:flag("-h --help", "this help, with examples"):target("help"):action(function() on_help(element) end)
    return element
  end
  local module
  root:flag("--version", "the version"):action(function() on_help "version" end)
  local function add_command(name, summary, load)
    -- Without a target of its own the action `timeout` would set the option of that name.
    local command = with_help(root:command(name):summary(summary):target("chosen"):add_help(false))
    if name == used then
      module = load(name)
      command:usage_max_width(WIDTH):description(summary:gsub("^%l", string.upper) .. ".")
      module.define(command, function(inner) return with_help(inner:add_help(false)) end)
    end
    return command
  end
  with_help(root)
  for _, entry in ipairs(commands) do
    add_command(entry[1], entry[2], parser.load)
  end
  if used and not module then
    for _, name in ipairs(short_actions()) do
      add_command(name, "short for: action ID " .. name, parser.load("action").short):hidden(true)
    end
  end
  return root, module
end

-- argparse's messages have several lines where it knows a name that is meant.
local function one_line(text)
  return (text:gsub("%s*\n%s*", ". "))
end

-- argparse takes `-1` for an option even where an option's value is expected, and would not name that option.
local function with_joined_numbers(arguments)
  local joined, is_option = {}, true
  for _, word in ipairs(arguments) do
    local before = joined[#joined]
    if is_option and before and before:find "^%-%-[^=]+$" and word:find "^%-%d" then
      joined[#joined] = before .. "=" .. word
    else
      joined[#joined + 1] = word
    end
    is_option = is_option and word ~= "--"
  end
  return joined
end

--- Reads arguments.
-- Raises a failure for wrong use.
-- @tparam {string,...} arguments
-- @treturn table|nil argparse's result; nil: help or the version is asked for
-- @treturn table|string|nil the command's module; or the help; nil: the version
function parser.read(arguments)
  local name, helped = name_in(arguments), nil
  local root, module = parser.new(name, function(element) helped = helped or element end)
  -- Without a command there is nothing to do; the help says what there is.
  if not name and #arguments == 0 then helped = root end
  local ok, result = root:pparse(with_joined_numbers(arguments))
  if helped == "version" then return nil end
  if helped then
    return nil, helped:get_help() .. "\n\n" .. (helped == root and help_of_all() or examples_of(module))
  end
  if not ok then
    failure.raise("usage", "%s (see timekit %s--help)", one_line(result), module and name .. " " or "")
  end
  return result, module
end

return parser
