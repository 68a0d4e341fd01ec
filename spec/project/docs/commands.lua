--- The page of the program's commands: its own help. The environment's `PROGRAM` is the program.
local help = require "spec.project.help.read"

local commands = {}

--- @tparam function escape text → HTML
-- @treturn string HTML
function commands.html(escape)
  local parts = { "<h1>The program's commands</h1>" }
  for _, entry in ipairs(help.read(assert(os.getenv "PROGRAM"))) do
    if entry.command ~= "" then
      local id = entry.command:gsub(" ", "-")
      parts[#parts + 1] = ('<h2 id="%s">timekit %s</h2>'):format(id, entry.command)
    end
    parts[#parts + 1] = ("<pre><code>%s</code></pre>"):format(escape((entry.text:gsub("%s+$", ""))))
  end
  return table.concat(parts, "\n")
end

return commands
