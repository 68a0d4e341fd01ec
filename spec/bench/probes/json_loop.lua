--- A program: what JSON costs an action, again and again: its answer is decoded, its body encoded.
-- `lua json_loop.lua COUNT` prints the microseconds of CPU for each.
local core = require "timekit.core"
local documents = require "spec.bench.documents"

local COUNT = tonumber(arg[1])

local body = { confirm = documents.INPUTS }
local began = os.clock()
for _ = 1, COUNT do
  assert(core.decode(documents.ANSWER).data.state == "confirmed")
  assert(#core.encode(body) == #documents.BODY)
end
print((os.clock() - began) / COUNT * 1e6)
