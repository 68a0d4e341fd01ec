--- A program: what JSON costs an action, again and again: its answers are decoded, its body encoded.
-- `lua json_loop.lua COUNT` prints the microseconds of CPU for each.
local core = require "timekit.core"
local documents = require "spec.bench.documents"

local COUNT = tonumber(arg[1])

local answers, body = documents.answers(), { confirm = documents.INPUTS }
local began = os.clock()
for index = 1, COUNT do
  assert(core.decode(answers[index % #answers + 1]).data.state == "confirmed")
  assert(#core.encode(body) == #documents.BODY)
end
print((os.clock() - began) / COUNT * 1e6)
