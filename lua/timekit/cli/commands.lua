--- The commands of the program: their names and summaries, so that the help needs none of their modules.
--
-- A command's module is `timekit.cli.commands.NAME`, loaded when the command is used. It is a table of:
--
-- * `define` function(command, with_help): adds arguments and options to the command of argparse; a command below it
--   gets its `--help` by `with_help(command:command(name))`
-- * `run` function(context, args): does it, and returns an exit code (see `timekit.cli.exits`). `context` is that of
--   `timekit.cli.context`, `args` what argparse found. It may raise a `timekit.cli.failure`
-- * `examples` a list of shell commands for the help. The suite runs them against a sandbox, in a folder of its own,
--   with `$ID` set to the id of a booking that is `confirmed`, and ends by Ctrl-C what serves
-- * `formats` (or nil) a list of what `-o` takes instead of `table`, `json`, `jsonl`, `id`
-- * `words` (or nil) argument or option → what a shell completes there: `action`, `graph`, `state`, `file`, or a list
-- @module timekit.cli.commands

return {
  { "action", "performs an action on a booking" },
  { "bulk", "performs the actions of a CSV or JSONL file" },
  { "can", "says which actions are possible now" },
  { "completion", "prints a completion script for a shell" },
  { "create", "creates a booking" },
  { "delete", "deletes a booking that is in a final state" },
  { "get", "reads a booking" },
  { "graph", "draws a booking graph, or lists the graphs" },
  { "link", "makes an action link, or checks one" },
  { "list", "lists bookings" },
  { "meta", "changes a booking's meta" },
  { "queue", "adds actions to a queue, and shows what became of them" },
  { "request", "sends any request to the API" },
  { "reschedule", "moves a booking" },
  { "sandbox", "serves a Timekit for development on this machine" },
  { "types", "prints where the types for editors are" },
  { "wait", "waits until a booking is in a state" },
  { "webhook", "checks, receives and replays webhooks" },
  { "worker", "carries out the actions of a queue" },
}
