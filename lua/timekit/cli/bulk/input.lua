--- The file of rows: opened once, read twice, never held in memory.
-- It is read once to check every row and once to perform them. What cannot be read twice, such as a pipe, is first
-- copied into a temporary file.
-- @module timekit.cli.bulk.input

local core = require "timekit.core"

local input = {}

-- Bytes at once.
local CHUNK = 65536

local Input = {}
Input.__index = Input

-- Copies what is left of a file. Returns the copy; nil and why not.
local function copy(file)
  local spool, problem = io.tmpfile()
  if not spool then return nil, "no temporary file for it: " .. tostring(problem) end
  while true do
    local chunk, failed = file:read(CHUNK)
    if failed then return nil, failed end
    if not chunk then return spool end
    local written, full = spool:write(chunk)
    if not written then return nil, "the temporary file for it: " .. tostring(full) end
  end
end

--- Opens a file.
-- @tparam string path `-` for standard input
-- @treturn Input|nil nil when it cannot be read
-- @treturn ?string why not
function input.open(path)
  local file, problem = io.stdin, nil
  if path ~= "-" then file, problem = io.open(path, "rb") end
  if not file then return nil, (problem:gsub("^.-: ", "")) end
  local size = path ~= "-" and file:seek("end")
  if not size then
    file, problem = copy(file)
    if not file then return nil, problem end
    size = file:seek("end")
  end
  -- Lua opens folders, and reads nothing from them.
  file:seek("set")
  local _, unreadable = file:read(0)
  if unreadable then return nil, unreadable end
  return setmetatable({ file = file, size = size }, Input)
end

--- Begins to read from the start.
-- @treturn function returns the next bytes at each call, nil at the end; raises when reading fails
-- @treturn function to be called at the end: the size in bytes and the SHA-256, in hexadecimal digits, of what was read
function Input:chunks()
  local digest, size = core.sha256(), 0
  assert(self.file:seek("set"))
  local function next_chunk()
    local chunk, problem = self.file:read(CHUNK)
    if problem then error("the input cannot be read: " .. problem, 0) end
    if not chunk then return nil end
    digest:update(chunk)
    size = size + #chunk
    return chunk
  end
  return next_chunk, function() return { size = size, sha256 = digest:finish() } end
end

--- Closes the file.
function Input:close()
  self.file:close()
end

return input
