--- The program's exit codes, and which of them an error has.
-- Pure: no I/O.
-- @module timekit.cli.exits

local exits = {
  DONE = 0,
  FAILED = 1,        -- or refused by Timekit
  USAGE = 2,
  REFUSED = 3,       -- here, by the graph's rules; nothing was sent
  CREDENTIALS = 4,
  NOT_FOUND = 5,
  AGAIN = 6,         -- nothing was applied: safe to run again
  UNCERTAIN = 7,     -- it may have been done
  SOME_FAILED = 8,   -- rows of a bulk run, none of them uncertain
  INTERRUPTED = 130,
}

local OF_KIND = {
  input = exits.REFUSED, auth = exits.CREDENTIALS, not_found = exits.NOT_FOUND,
  network = exits.AGAIN, rate_limited = exits.AGAIN, timeout = exits.AGAIN,
  uncertain = exits.UNCERTAIN, cancelled = exits.INTERRUPTED, usage = exits.USAGE,
}

--- The exit code of an error.
-- @tparam table err of `timekit.error`, or of `timekit.cli.failure`
-- @treturn integer
-- @usage exits.of { kind = "uncertain" }   --> 7
function exits.of(err)
  if err.kind == "transition" and err.sent == "no" then return exits.REFUSED end
  -- A server that failed a read: the same again has no double effect.
  if err.kind == "server" and err.retryable then return exits.AGAIN end
  return OF_KIND[err.kind] or exits.FAILED
end

return exits
