--- What there is to complete: commands with their options and arguments, read from their `define`.
-- Each `define` is handed a stand-in for argparse's command, which notes what is added to it.
-- @module timekit.cli.grammar

local commands = require "timekit.cli.commands"

local grammar = {}

-- Stands in for what argparse makes: every call that configures it is taken, and those that matter here are noted.
local StandIn = {}

local NOTED = { summary = "about", choices = "words" }

function StandIn.__index(_, name)
  return function(self, value)
    if NOTED[name] then self.noted[NOTED[name]] = value end
    return self
  end
end

local function stand_in(noted, methods)
  methods.noted = noted
  return setmetatable(methods, StandIn)
end

local function new_command(name, about)
  local noted = { name = name, about = about, options = {}, arguments = {}, commands = {} }
  local function add(list, takes_value)
    return function(_, names)
      local element = { name = names:match "%S+$", takes_value = takes_value }
      list[#list + 1] = element
      return stand_in(element, {})
    end
  end
  return stand_in(noted, {
    option = add(noted.options, true), flag = add(noted.options, false), argument = add(noted.arguments, true),
    command = function(_, inner)
      local added = new_command(inner)
      noted.commands[#noted.commands + 1] = added.noted
      return added
    end,
  })
end

local function same(element) return element end

-- What completes the options and arguments of a command, and of those below it.
local function add_words(noted, words)
  for _, list in ipairs { noted.options, noted.arguments } do
    for _, element in ipairs(list) do element.words = words[element.name] or element.words end
  end
  for _, inner in ipairs(noted.commands) do add_words(inner, words) end
end

--- Reads all commands. This loads all of their modules.
-- @tparam table parser `timekit.cli.parser`, which loads them. It is handed in since a command asks for this
-- @treturn {table,...} each with `name`, `about`, `options` (each with `name`, `takes_value`, `words`), `arguments`
--   (each with `words`), `commands` (those below it)
-- @treturn {table,...} the options of all commands, likewise
function grammar.read(parser)
  local found, common = {}, {}
  for _, entry in ipairs(commands) do
    local command, module = new_command(entry[1], entry[2]), parser.load(entry[1])
    module.define(command, same)
    local noted = command.noted
    add_words(noted, module.words or {})
    if module.formats then
      noted.options[#noted.options + 1] = { name = "-o", takes_value = true, words = module.formats }
    end
    found[#found + 1] = noted
  end
  for _, name in ipairs(parser.short_actions()) do
    found[#found + 1] = { name = name, about = "action ID " .. name, options = {}, arguments = {}, commands = {} }
  end
  for _, option in ipairs(parser.OPTIONS) do
    common[#common + 1] = {
      name = option[1], takes_value = option.argument ~= nil, words = option.words or option.choices,
    }
  end
  common[#common + 1] = { name = "--help", takes_value = false }
  common[#common + 1] = { name = "--version", takes_value = false }
  return found, common
end

return grammar
