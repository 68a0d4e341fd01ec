-- Completion of the program's command line, in the real shells. A shell that is not installed is skipped.
local completion = require "timekit.cli.completion"
local program = require "spec.support.program"
local shell = require "spec.support.shell"

-- Line → words that must be offered, and one that must not be.
local CASES = {
  { "timekit ca", { "can", "cancel", "cancel_by_customer", "cancel_by_owner" }, "confirm" },
  { "timekit --timeout 3 -q gra", { "graph" }, "get" },
  { "timekit action x confi", { "confirm" }, "confirm_decline" },
  { "timekit can x decl", { "decline" }, "declined" },
  { "timekit wait x decl", { "declined" }, "decline" },
  { "timekit graph inst", { "instant", "instant_payment" }, "confirm_decline" },
  { "timekit graph instant --sta", { "--state" }, "--limit" },
  { "timekit graph instant --state conf", { "confirmed" }, "confirm" },
  { "timekit graph instant -o s", { "svg" }, "table" },
  { "timekit -o t", { "table" }, "text" },
  { "timekit list --or", { "--order-by" }, "--every" },
  { "timekit list --graph group_o", { "group_owner" }, "group_customer" },
  { "timekit get x --prof", { "--profile" }, "--port" },
  { "timekit --uncertain re", { "reconcile", "report" }, "request" },
  { "timekit webhook li", { "listen" }, "list" },
  { "timekit webhook listen --po", { "--port" }, "--profile" },
  { "timekit completion z", { "zsh" }, "bash" },
  { "timekit get x --key-file some", { "some_file" }, "other_file" },
}

local BASH = [==[
source ./bash.sh
while IFS= read -r line; do
  read -ra COMP_WORDS <<< "$line"
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  _timekit timekit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
  echo "> ${COMPREPLY[*]} <"
done < lines
]==]

local FISH = [==[
source ./fish.fish
while read -l line
  echo "> "(complete -C "$line" | cut -f 1 | string join " ")" <"
end < lines
]==]

-- The line editor of a zsh on a terminal, where Control-X lists what there is. Keys that come before its prompt are not
-- the editor's.
local ZSH = [==[
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "PS1=next: PS2= RPS1=; unset zle_bracketed_paste; stty -echo cols 400; autoload -Uz compinit; compinit -u -D"
zpty -w z "source ./zsh.zsh; setopt no_list_beep; LISTMAX=1000; bindkey '^X' list-choices; print -r -- rea''dy"
zpty -r -m z seen '*ready*next:*'
while IFS= read -r line; do
  zpty -w -n z "$line"$'\x18'$'\x05 done\x15print -r -- en'"''"$'d\n'
  zpty -r -m z seen '*end*next:*'
  print -r -- "> ${(j: :)${(f)seen//[^[:print:]]/ }} <"
done < lines
zpty -d z
]==]

describe("completion", function()
  local world
  setup(function()
    world = program.new()
    world:write("some_file", "")
    world:write("other_file", "")
    local lines = {}
    for index, case in ipairs(CASES) do lines[index] = case[1] .. "\n" end
    world:write("lines", table.concat(lines))
    for name, text in pairs { bash = BASH, fish = FISH, zsh = ZSH } do
      world:write("try." .. name, text)
    end
  end)
  teardown(function() world:close() end)

  local ENDINGS = { bash = "bash.sh", zsh = "zsh.zsh", fish = "fish.fish" }

  for _, name in ipairs { "bash", "fish", "zsh" } do
    local is_there = shell.run("command -v " .. name)
    local run = is_there and it or pending
    run("works in " .. name, function()
      assert.equal(0, (world:run(("timekit completion %s > %s"):format(name, ENDINGS[name]))))
      local status, out, err = world:run(("%s try.%s"):format(name, name))
      assert.equal(0, status, err)
      local index = 0
      for offered in out:gmatch("> ([^\n]*) <\n") do
        index = index + 1
        local case = CASES[index]
        for _, word in ipairs(case[2]) do
          assert.truthy((" " .. offered .. " "):find(" " .. word .. " ", 1, true), case[1] .. ": " .. offered)
        end
        assert.falsy((" " .. offered .. " "):find(" " .. case[3] .. " ", 1, true), case[1] .. ": " .. offered)
      end
      assert.equal(#CASES, index, out .. err)
    end)
  end

  it("knows every command, action, graph and state", function()
    local text = completion.script("bash", require "timekit.cli.parser")
    for _, graph in pairs(require("timekit").graphs) do
      assert.truthy(text:find("%f[%w_]" .. graph.name .. "%f[^%w_]"), graph.name)
      for state in pairs(graph.states) do assert.truthy(text:find("%f[%w_]" .. state .. "%f[^%w_]"), state) end
      for _, action in ipairs(graph.actions) do assert.truthy(text:find("%f[%w_]" .. action.name .. "%f[^%w_]")) end
    end
    for _, entry in ipairs(require "timekit.cli.commands") do assert.truthy(text:find("[ ']" .. entry[1] .. "[ ']")) end
  end)
end)
