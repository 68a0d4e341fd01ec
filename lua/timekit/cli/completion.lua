--- Writes completion scripts. Everything stands in the script, so completing starts no program.
--
-- A script finds the command, the option that waits for its value, and the place among the command's arguments, and
-- looks `command|option|place` up in a list of patterns, which is the same for all shells.
-- Pure: no I/O.
-- @module timekit.cli.completion

local grammar = require "timekit.cli.grammar"
local timekit = require "timekit"

local completion = {}

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- What the words `action`, `graph` and `state` stand for.
local function vocabulary()
  local actions, graphs, states = {}, {}, {}
  for name, graph in pairs(timekit.graphs) do
    graphs[name] = true
    for state in pairs(graph.states) do states[state] = true end
    for _, action in ipairs(graph.actions) do actions[action.name] = true end
  end
  return { action = sorted(actions), graph = sorted(graphs), state = sorted(states) }
end

-- The patterns, each with its words: a list, or `file`. The first that fits counts.
local function patterns_of(commands, common)
  local patterns, known = {}, vocabulary()
  local function add(pattern, words)
    if words then patterns[#patterns + 1] = { pattern, known[words] or words } end
  end
  local function add_command(command, path)
    for _, option in ipairs(command.options) do add(("%s|%s|*"):format(path, option.name), option.words) end
    for index, argument in ipairs(command.arguments) do add(("%s||%d"):format(path, index - 1), argument.words) end
    local names = {}
    for _, inner in ipairs(command.commands) do
      names[#names + 1] = inner.name
      add_command(inner, path .. " " .. inner.name)
    end
    if #names > 0 then add(path .. "||0", names) end
  end
  local names = {}
  for _, command in ipairs(commands) do
    names[#names + 1] = command.name
    add_command(command, command.name)
  end
  add("||0", names)
  for _, option in ipairs(common) do add(("*|%s|*"):format(option.name), option.words) end
  return patterns
end

-- The options of each command that has some of its own, with those of all commands, and at the end these alone.
local function options_of(commands, common)
  local options = {}
  local function add(command, path)
    local names = {}
    for _, list in ipairs { command.options, common } do
      for _, option in ipairs(list) do names[#names + 1] = option.name end
    end
    if path == "*" or #command.options > 0 then options[#options + 1] = { path, names } end
    for _, inner in ipairs(command.commands) do add(inner, path .. " " .. inner.name) end
  end
  for _, command in ipairs(commands) do add(command, command.name) end
  add({ options = {}, commands = {} }, "*")
  return options
end

-- The options that take a value, and the commands that have commands.
local function shape_of(commands, common)
  local valued, nesting = {}, {}
  local function note(options)
    for _, option in ipairs(options) do
      if option.takes_value then valued[option.name] = true end
    end
  end
  note(common)
  for _, command in ipairs(commands) do
    note(command.options)
    for _, inner in ipairs(command.commands) do
      note(inner.options)
      nesting[command.name] = true
    end
  end
  return sorted(valued), sorted(nesting)
end

-- bash and zsh read the same `case`.
local function posix_case(entries, indent)
  local lines = {}
  for _, entry in ipairs(entries) do
    local pattern = entry[1]:gsub("[^*]+", "'%0'")
    local action = entry[2] == "file" and "files=1" or ("found='%s'"):format(table.concat(entry[2], " "))
    lines[#lines + 1] = ("%s%s) %s ;;"):format(indent, pattern, action)
  end
  return table.concat(lines, "\n")
end

local POSIX = [==[
# Sets `found` or `files` for the words before the one at hand, which is $1.
_timekit_find() {
  local current=$1 command='' option='' place=0 word
  shift
  found='' files=''
  for word; do
    if [ -n "$option" ]; then option=''; continue; fi
    case $word in
      %s) option=$word ;;
      -*) ;;
      *)
        if [ -z "$command" ]; then command=$word
        else
          case $command in
            %s) command="$command $word" ;;
            *) place=$((place + 1)) ;;
          esac
        fi ;;
    esac
  done
  case "$option$current" in
    -*)
      if [ -z "$option" ]; then
        case $command in
%s
        esac
        return
      fi ;;
  esac
  case "$command|$option|$place" in
%s
  esac
}
]==]

local BASH = [==[
_timekit() {
  local found files
  _timekit_find "$2" "${COMP_WORDS[@]:1:COMP_CWORD-1}"
  if [ -n "$files" ]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$2")
  else
    mapfile -t COMPREPLY < <(compgen -W "$found" -- "$2")
  fi
}
complete -o filenames -F _timekit timekit
]==]

local ZSH = [==[
_timekit() {
  local found files
  _timekit_find "${words[CURRENT]}" "${(@)words[2,CURRENT-1]}"
  if [[ -n $files ]]; then
    _files
  else
    compadd -- ${=found}
  fi
}
compdef _timekit timekit
]==]

local FISH = [==[
function __timekit_find
  set -l current (commandline -ct)
  set -l before (commandline -opc)
  set -e before[1]
  set -l command ''
  set -l option ''
  set -l place 0
  for word in $before
    if test -n "$option"
      set option ''
      continue
    end
    switch $word
      case %s
        set option $word
      case '-*'
      case '*'
        if test -z "$command"
          set command $word
        else if contains -- $command %s
          set command "$command $word"
        else
          set place (math $place + 1)
        end
    end
  end
  if test -z "$option"; and string match -q -- '-*' $current
    switch $command
%s
    end
    return
  end
  switch "$command|$option|$place"
%s
  end
end
complete -c timekit -f -a '(__timekit_find)'
]==]

local function fish_case(entries, indent)
  local lines = {}
  for _, entry in ipairs(entries) do
    local action = entry[2] == "file" and "__fish_complete_path $current"
      or "printf '%s\\n' " .. table.concat(entry[2], " ")
    lines[#lines + 1] = ("%scase '%s'\n%s  %s"):format(indent, entry[1], indent, action)
  end
  return table.concat(lines, "\n")
end

--- Writes a script.
-- @tparam string shell `bash`, `zsh` or `fish`
-- @tparam table parser `timekit.cli.parser`, which loads the commands
-- @treturn string
function completion.script(shell, parser)
  local commands, common = grammar.read(parser)
  local patterns, options = patterns_of(commands, common), options_of(commands, common)
  local valued, nesting = shape_of(commands, common)
  if shell == "fish" then
    return FISH:format(
      table.concat(valued, " "), table.concat(nesting, " "), fish_case(options, "      "), fish_case(patterns, "    "))
  end
  local find = POSIX:format(
    table.concat(valued, "|"), table.concat(nesting, "|"), posix_case(options, "          "),
    posix_case(patterns, "    "))
  return (shell == "zsh" and "#compdef timekit\n" or "") .. find .. (shell == "zsh" and ZSH or BASH)
end

return completion
