--- What a bench prints: Markdown, on the terminal as it comes and in a file at the end.
local report = {}
report.__index = report

function report.new()
  return setmetatable({ lines = {}, rows = {} }, report)
end

--- Adds a line.
function report:line(format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  table.insert(self.lines, text)
  print(text)
  io.flush()
end

--- Adds a heading, between empty lines.
function report:heading(text)
  self:line("")
  self:line("## " .. text)
  self:line("")
end

--- Adds a table.
-- @tparam {string,...} head
-- @tparam {{string,...},...} body
function report:table(head, body)
  local rule = {}
  for index = 1, #head do rule[index] = index == 1 and "---" or "--:" end
  self:line("| " .. table.concat(head, " | ") .. " |")
  self:line("|" .. table.concat(rule, "|") .. "|")
  for _, cells in ipairs(body) do self:line("| " .. table.concat(cells, " | ") .. " |") end
end

--- Adds a number that is judged.
-- @tparam table row `name`, `value` (nil: not measured), `format`, `at_least`, `aim`; `most`: the two are upper limits
function report:row(row)
  table.insert(self.rows, row)
end

local function reached(row, limit)
  if row.most then return row.value <= limit end
  return row.value >= limit
end

local function verdict_on(row)
  if not row.value then return "not measured" end
  return reached(row, row.aim) and "aim" or reached(row, row.at_least) and "at least" or "missed"
end

--- Adds the table of what is judged, and one line that sums up.
function report:verdict()
  local body, groups = {}, {}
  for index, row in ipairs(self.rows) do
    local verdict = verdict_on(row)
    local sign = row.most and "≤ " or "≥ "
    body[index] = {
      row.name, row.value and row.format:format(row.value) or "", sign .. row.at_least, sign .. row.aim, verdict,
    }
    groups[verdict] = groups[verdict] or {}
    table.insert(groups[verdict], row.name)
  end
  self:heading("Verdict")
  self:table({ "measure", "now", "at least", "aim", "holds" }, body)
  self:line("")
  local parts = {}
  for _, verdict in ipairs { "aim", "at least", "missed", "not measured" } do
    local names = groups[verdict]
    if names then parts[#parts + 1] = ("%s %d (%s)"):format(verdict, #names, table.concat(names, "; ")) end
  end
  self:line("holds: " .. table.concat(parts, ", "))
end

--- Writes all of it into a file.
function report:write(path)
  local file = assert(io.open(path, "w"))
  file:write(table.concat(self.lines, "\n"), "\n")
  file:close()
end

return report
