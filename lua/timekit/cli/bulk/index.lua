--- What an earlier run's journal says of each row: a table that is in a temporary file, since the rows can be many.
-- @module timekit.cli.bulk.index

local index = {}

-- A record is a letter and where the line is in the journal. A row without one reads as NULs, or as nothing.
local SIZE, FORMAT = 16, "%s%015.0f"

-- Records kept in memory until they are written together.
local KEPT = 4096

local Index = {}
Index.__index = Index

--- Makes an empty index. Raises when there can be no temporary file.
-- @treturn Index
function index.new()
  local file, problem = io.tmpfile()
  if not file then error("no temporary file: " .. tostring(problem), 0) end
  return setmetatable({
    file = file,
    kept = {}, count = 0, -- row → record, not written yet
    next_row = nil,       -- the row that `next` reads
  }, Index)
end

local function write_kept(self)
  local order = {}
  for row in pairs(self.kept) do order[#order + 1] = row end
  table.sort(order)
  local before
  for _, row in ipairs(order) do
    if row - 1 ~= before then assert(self.file:seek("set", (row - 1) * SIZE)) end
    local written, problem = self.file:write(self.kept[row])
    if not written then error("a temporary file cannot be written: " .. problem, 0) end
    before = row
  end
  self.kept, self.count = {}, 0
end

--- Sets what is known of a row, in place of what was.
-- @tparam integer row
-- @tparam string letter
-- @tparam integer offset where the line is in the journal
function Index:set(row, letter, offset)
  if not self.kept[row] then self.count = self.count + 1 end
  self.kept[row] = FORMAT:format(letter, offset)
  if self.count >= KEPT then write_kept(self) end
end

--- What is known of the next row, from the first one on. Nothing can be set any more.
-- @treturn string|nil the letter; nil: nothing
-- @treturn ?integer where the line is in the journal
function Index:next()
  if not self.next_row then
    write_kept(self)
    assert(self.file:seek("set"))
    self.next_row = 1
  end
  local record = self.file:read(SIZE)
  if not record or record:byte(1) == 0 then return nil end
  return record:sub(1, 1), tonumber(record:sub(2))
end

--- Forgets everything.
function Index:close()
  self.file:close()
end

return index
