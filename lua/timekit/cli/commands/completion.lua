--- `timekit completion bash|zsh|fish`.
-- @module timekit.cli.commands.completion

local exits = require "timekit.cli.exits"

local SHELLS = { "bash", "zsh", "fish" }

local completion = {
  examples = {
    'eval "$(timekit completion bash)"',
    "timekit completion fish > timekit.fish   # in ~/.config/fish/completions",
  },
  words = { shell = SHELLS },
}

function completion.define(command)
  command:description("Prints a script that completes commands, options, actions, graphs and states.")
  command:argument("shell", "bash, zsh or fish"):choices(SHELLS)
end

function completion.run(context, args)
  context:out(require("timekit.cli.completion").script(args.shell, context.parser))
  return exits.DONE
end

return completion
