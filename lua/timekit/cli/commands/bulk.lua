--- `timekit bulk FILE [ACTION]`: actions on many bookings, from a CSV or JSONL file.
-- @module timekit.cli.commands.bulk

local converters = require "timekit.cli.converters"
local redis = require "timekit.cli.redis"

local bulk = {
  examples = {
    'printf \'id,action,message\\n%s,cancel,"Closed, sorry"\\n\' "$ID" > rows.csv; timekit bulk rows.csv --dry-run',
    'printf \'{"id":"%s"}\\n\' "$ID" > rows.jsonl; timekit bulk rows.jsonl cancel --results results.jsonl',
    "timekit bulk rows.jsonl cancel --resume",
  },
  formats = { "json", "jsonl" },
  words = { file = "file", action = "action", ["--journal"] = "file", ["--results"] = "file" },
}

local ABOUT = [[
FILE is JSONL, {"id":…,"action":…,"inputs":{…},"key":…} in each line, or CSV with a header
line: the columns id, action and key, all others are inputs, and empty cells are none. `key`
is a name of your own for the row, which journal and results repeat. Rows of the same
booking are performed in their order.

All rows are checked first; if one is wrong, nothing is sent. Then each row's request is
noted in the journal before it leaves, and so is its outcome. After a crash --resume goes
on: what is done is not done again, and a row whose request may have left begins with
reading its booking. Results are JSON lines in the order of the input; rows that an earlier
run has performed have "earlier":true, rows that were not performed are "skipped". A rate
limit of Timekit's is waited out, however long it lasts.]]

--- Adds its arguments.
-- @tparam table command of argparse
function bulk.define(command)
  command:description(ABOUT)
  command:argument("file", "the rows; - for standard input, with --journal"):argname "FILE"
  command:argument("action", "the action of rows that name none"):args "?":argname "ACTION"
  command:option("--journal", "where it is noted what was sent and what became of it; unless given, FILE.journal")
    :argname "FILE"
  command:flag("--resume", "go on with the run of the journal")
  command:option("--retry", "go on, and take the rows again that failed, or are uncertain; may be given twice")
    :argname "WHAT":choices { "failed", "uncertain" }:count "*"
  command:option("--concurrency", "so many rows at once"):argname "N"
    :convert(converters.concurrency "--concurrency"):default "16"
  command:option("--rate", "requests, such as 10/s, or none for no limit; unless given, 600/min, and 588/min if shared")
    :argname "RATE":convert(converters.rate "--rate")
  command:option("--redis", "share the rate with all that use this Redis, such as unix:///run/redis.sock"):argname "URL"
  redis.define_ca(command)
  command:option("--rate-name", "the name under which it is shared; else default"):argname("NAME"):target "rate_name"
  command:flag("--dry-run", "check all rows by the graphs, and send nothing"):target "dry_run"
  command:flag("--stop-on-error", "begin no further row once one has failed or is uncertain"):target "stop_on_error"
  command:option("--results", "where the results go; unless given, standard output"):argname "FILE"
  command:flag("--fsync", "wait for the disk at each line of the journal, for power cuts")
end

--- Performs the rows.
-- @tparam Context context
-- @tparam table args what argparse found
-- @treturn integer the exit code
function bulk.run(context, args)
  return require("timekit.cli.bulk").run(context, args, rawget(_G, "arg"))
end

return bulk
