--- The page of the program's commands: its own help. The environment's `PROGRAM` is the program.
local help = require "spec.project.help.read"

local commands = {}

local write = {}

function write.text(part, escape) return ("<p>%s</p>"):format(escape(part.text)) end

function write.shell(part, escape) return ("<pre><code>%s</code></pre>"):format(escape(part.text)) end

-- A usage is no program: it wraps.
function write.usage(part, escape)
  return ('<p class="usage"><code>%s</code></p>'):format(escape((part.text:gsub("%s+", " "))))
end

function write.list(part, escape)
  local lines = { "<dl>" }
  for _, item in ipairs(part.items) do
    lines[#lines + 1] = ("<dt><code>%s</code></dt><dd>%s</dd>"):format(escape(item.name), escape(item.text))
  end
  return table.concat(lines, "\n") .. "</dl>"
end

--- @tparam function escape text → HTML
-- @treturn string HTML
function commands.html(escape)
  local lines = { "<h1>The program's commands</h1>" }
  for _, entry in ipairs(help.read(assert(os.getenv "PROGRAM"))) do
    if entry.command ~= "" then
      local id = entry.command:gsub(" ", "-")
      lines[#lines + 1] = ('<h2 id="%s">timekit %s</h2>'):format(id, entry.command)
    end
    for _, part in ipairs(help.parts(entry.text)) do
      if part.title then lines[#lines + 1] = ("<h4>%s</h4>"):format(part.title) end
      lines[#lines + 1] = write[part.kind](part, escape)
    end
  end
  return table.concat(lines, "\n")
end

return commands
