--- The journal of a bulk run: a file to which lines are added, and from which a later run learns what is done.
--
-- Each line is JSON. The first one names the input and the server; `{"run":…}` begins a run. A row has a line with
-- `sent` before its request leaves, and one with `outcome` once that is known. The last line of a row counts: `sent`
-- means that nobody knows what became of it.
-- @module timekit.cli.bulk.journal

local core = require "timekit.core"
local index = require "timekit.cli.bulk.index"
local lines = require "timekit.cli.bulk.lines"
local record = require "timekit.cli.bulk.record"

local journal = {}

local VERSION = 1

-- What every journal begins with.
local BEGINNING = ('{"journal":%d,'):format(VERSION)

--- What is known of a row: letters of the index.
journal.SENT = "s"
local LETTERS = { done = "d", reconciled = "r", failed = "f", uncertain = "u" }
journal.OUTCOMES = {}
for outcome, letter in pairs(LETTERS) do journal.OUTCOMES[letter] = outcome end

--- A journal that is open and locked.
-- @field found what was in the file: nil: nothing; else what its first line says
-- @type Journal
local Journal = {}
Journal.__index = Journal

local second, text_of_second

local function now()
  local seconds = os.time()
  if seconds ~= second then second, text_of_second = seconds, os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) end
  return text_of_second
end

-- Adds a line. Returns true; nil and why not.
local function add(self, line)
  local written, problem = self.file:write(line .. "\n")
  if written and self.fsync then written, problem = self.file:sync() end
  if written then return true end
  return nil, ("the journal %s cannot be written: %s"):format(self.path, problem)
end

-- Bytes that are read at once.
local CHUNK = 65536

-- The lines of the file from its start. Lua's own readers of lines lose NULs before Lua 5.2, and so the count of bytes.
local function read_lines(self)
  self.reading:seek "set"
  return lines.new(function() return self.reading:read(CHUNK) end)
end

-- The first line of the file, decoded; nil if there is none yet. A second result says what is wrong with it.
local function read_header(self)
  local start = self.reading:read(#BEGINNING) or ""
  -- A run that was killed while it wrote the first line has sent nothing.
  if start ~= BEGINNING:sub(1, #start) then
    local version = start:match '^{"journal":(%d+)'
    return nil, version and ("it is of another version: %s"):format(version) or "it is not a journal of a bulk run"
  end
  local line = read_lines(self):next()
  if not line or self.reading:seek "end" <= #line then return nil end
  local header = core.decode(line)
  if type(header) ~= "table" or type(header.input) ~= "table" then return nil, "its first line is damaged" end
  return header
end

--- Opens a journal, and locks it until the process ends.
-- @tparam string path
-- @tparam boolean fsync wait for the disk after each line
-- @treturn Journal|nil
-- @treturn ?string why not
function journal.open(path, fsync)
  local file, problem = core.append(path)
  if not file then return nil, problem end
  local is_locked
  is_locked, problem = file:lock()
  if is_locked == false then return nil, "another run is using it" end
  if not is_locked then return nil, "it cannot be locked: " .. problem end
  local self = setmetatable({ path = path, file = file, fsync = fsync }, Journal)
  self.reading, problem = io.open(path, "rb")
  if not self.reading then return nil, problem end
  self.found, problem = read_header(self)
  if problem then return nil, problem end
  return self
end

--- Begins an empty journal.
-- @tparam table header what names the input
-- @treturn true|nil nil when it cannot be written
-- @treturn ?string why not
function Journal:begin(header)
  -- Something may be left of a first line.
  local cut, problem = self.file:cut(0)
  if not cut then return nil, problem end
  if self.fsync then
    cut, problem = self.file:sync_name(self.path)
    if not cut then return nil, problem end
  end
  local parts = { BEGINNING:sub(1, -2) }
  for _, name in ipairs { "input", "rows", "action", "base_url" } do
    if header[name] ~= nil then parts[#parts + 1] = ('"%s":%s'):format(name, core.encode(header[name])) end
  end
  return add(self, table.concat(parts, ",") .. "}")
end

--- Notes that a run begins.
-- @tparam string how such as `resume`
-- @treturn true|nil nil when it cannot be written
-- @treturn ?string why not
function Journal:run(how)
  return add(self, ('{"run":%s,"at":"%s"}'):format(core.encode(how), now()))
end

--- Notes that a row's request is about to leave.
-- @tparam Row row
-- @treturn true|nil nil when it cannot be written: then the request must not leave
-- @treturn ?string why not
function Journal:sent(row)
  return add(self, ('%s,"sent":"%s"}'):format(record.head(row), now()))
end

--- Notes a row's outcome.
-- @tparam string line as of `timekit.cli.bulk.record`
-- @treturn true|nil nil when it cannot be written
-- @treturn ?string why not
function Journal:outcome(line)
  return add(self, record.with(line, "at", now()))
end

-- The row, the letter and the id of a line; nil, nil: it tells of no row; nil and false: it is damaged.
local function letter_of(line, rows)
  local entry = core.decode(line)
  if type(entry) ~= "table" then return nil, false end
  if entry.run then return nil, nil end
  local letter = entry.sent and journal.SENT or LETTERS[entry.outcome]
  local row = entry.row
  if not letter or type(row) ~= "number" or row < 1 or row > rows or row % 1 ~= 0 then return nil, false end
  return row, letter, entry.id
end

local APPLIED = { done = true, reconciled = true }

-- Id → the action that was last applied, of the bookings whose rows nobody knows the outcome of. They are as few as a
-- run had under way.
local function last_applied(self, open)
  local wanted, applied = {}, {}
  for _, id in pairs(open) do wanted[core.encode(id)] = true end
  if not next(wanted) then return applied end
  local of_lines = read_lines(self)
  for line in function() return of_lines:next() end do
    -- Most lines are not about them, and decoding takes long.
    if wanted[line:match '^{"row":%d+,"id":("[^"]*")' or ""] then
      local entry = core.decode(line)
      if APPLIED[entry.outcome] then applied[entry.id] = entry.action end
    end
  end
  return applied
end

--- Reads what earlier runs did. A last line that is not complete is cut off: what it was about never happened, since a
-- request leaves, and a run goes on, only after the line is written.
-- @treturn Index|nil what is known of each row; nil when the journal is damaged
-- @treturn table|string id → the action that was applied last, of rows that are noted as sent and have no outcome; or
--   where it is damaged
function Journal:load()
  local rows, reading = self.found.rows, self.reading
  local size = reading:seek "end"
  local of_lines = read_lines(self)
  local found, open, offset, number = index.new(), {}, 0, 0
  for line, is_too_long in function() return of_lines:next() end do
    if is_too_long then return nil, ("line %d is damaged"):format(number + 1) end
    local after = offset + #line + 1
    if after > size then
      local cut, problem = self.file:cut(offset)
      if not cut then return nil, problem end
      break
    end
    number = number + 1
    if number > 1 then
      local row, letter, id = letter_of(line, rows)
      if letter == false then return nil, ("line %d is damaged"):format(number) end
      if row then
        found:set(row, letter, offset)
        open[row] = letter == journal.SENT and id or nil
      end
    end
    offset = after
  end
  return found, last_applied(self, open)
end

--- A line of an earlier run, without the time.
-- @tparam integer offset where it is
-- @treturn string as of `timekit.cli.bulk.record`
function Journal:line_at(offset)
  assert(self.reading:seek("set", offset))
  local line = self.reading:read "*l"
  return (line:gsub(',"at":"[^"]*"}$', "}"))
end

--- Ends it, and the lock.
function Journal:close()
  self.reading:close()
  self.file:close()
end

return journal
