--- The deliveries that `timekit webhook listen` has stored: a file of JSON lines, one for each. It is only appended to,
-- and a delivery's number is that of its line. A body that is not UTF-8 stands there as `body_base64`: JSON cannot hold
-- its bytes, and the signature is that of these bytes.
-- @module timekit.cli.deliveries

local base64 = require "timekit.signing.base64"
local core = require "timekit.core"
local failure = require "timekit.cli.failure"

local deliveries = {}

--- An open store.
-- @type Store
local Store = {}
Store.__index = Store

--- Where deliveries are stored unless `--store` names another file.
-- @treturn string a path
function deliveries.path()
  local folder = os.getenv "XDG_STATE_HOME"
  if not folder or folder == "" then folder = (os.getenv "HOME" or "") .. "/.local/state" end
  return folder .. "/timekit/deliveries.jsonl"
end

local function quoted(path)
  return "'" .. path:gsub("'", "'\\''") .. "'"
end

-- Makes the file and its folder; deliveries hold names and addresses of customers, which are nobody else's business.
local function make(path)
  local folder = path:match "^(.*)/[^/]*$"
  if folder and folder:sub(1, 1) == "-" then folder = "./" .. folder end
  local command = "umask 077; " .. (folder and folder ~= "" and "mkdir -p " .. quoted(folder) .. " && " or "")
  os.execute(command .. ": >> " .. quoted(path))
end

-- How many lines a file has, and whether the last one was cut off.
local function count_lines(path)
  local file = io.open(path, "rb")
  if not file then return 0, false end
  local count, last = 0, "\n"
  for chunk in function() return file:read(65536) end do
    count, last = count + select(2, chunk:gsub("\n", "")), chunk:sub(-1)
  end
  file:close()
  return count, last ~= "\n"
end

-- Opens the file and finds where it ends. Returns nil and why when it cannot be written.
local function reopen(self)
  local count, is_torn = count_lines(self.path)
  local file, problem = io.open(self.path, "ab")
  if not file then return nil, problem end
  -- Each delivery is one write: nothing that could not be written stays behind in a buffer.
  file:setvbuf "no"
  if is_torn then
    local ended
    ended, problem = file:write "\n"
    if not ended then
      file:close()
      return nil, problem
    end
    count = count + 1
  end
  self.file, self.count = file, count
  return true
end

-- Keeps others from storing there, who would give the same numbers. Returns what holds the lock until the process ends.
local function lock(path)
  local held, problem = core.append(path)
  local is_locked
  if held then is_locked, problem = held:lock() end
  if is_locked == false then
    failure.raise("usage", "%s: another 'webhook listen' stores its deliveries there: --store names another file", path)
  end
  if not is_locked then failure.raise("failed", "the deliveries cannot be stored: %s", problem) end
  return held
end

--- Opens a store for writing, and locks it until the process ends.
-- Raises a failure if it cannot be written, or another process stores there.
-- @tparam string path
-- @treturn Store
function deliveries.open(path)
  make(path)
  local self = setmetatable({
    path = path,
    lock = lock(path),
    file = nil,   -- nil after a write that failed
    count = nil,  -- its lines
  }, Store)
  local opened, problem = reopen(self)
  if not opened then failure.raise("failed", "the deliveries cannot be stored: %s", problem) end
  return self
end

-- The line of a delivery. The body is the only part that can be anything.
local function line_of(delivery)
  local line = core.encode(delivery)
  if line then return line end
  local shown = { body_base64 = base64.encode(delivery.body) }
  for name, value in pairs(delivery) do shown[name] = name ~= "body" and value or nil end
  return core.encode(shown)
end

local function read_line(line)
  local delivery = core.decode(line)
  if type(delivery) ~= "table" then return nil end
  if type(delivery.body_base64) == "string" then delivery.body = base64.decode(delivery.body_base64) end
  return type(delivery.body) == "string" and delivery or nil
end

--- Stores a delivery. When this returns, the delivery is the operating system's: it outlives this process.
-- @tparam table delivery `received_at`, `signature`, `body`, and `forward` (or nil), the URL that it is forwarded to;
--   gets `n`, its number
-- @treturn table|nil the delivery; nil when it cannot be written
-- @treturn ?string then why
function Store:add(delivery)
  if not self.file then
    local opened, problem = reopen(self)
    if not opened then return nil, problem end
  end
  delivery.n = self.count + 1
  local line, problem = line_of(delivery)
  if not line then return nil, problem end
  local written
  written, problem = self.file:write(line .. "\n")
  if not written then
    -- A part of it may be in the file.
    self.file:close()
    self.file = nil
    return nil, problem
  end
  self.count = delivery.n
  return delivery
end

--- Reads a delivery.
-- Raises a failure if there is none of that number.
-- @tparam string path
-- @tparam integer number
-- @treturn table as it was given to `Store:add`
function deliveries.read(path, number)
  local file, problem = io.open(path, "rb")
  if not file then failure.raise("not_found", "there are no deliveries: %s", problem) end
  local count, found = 0, nil
  for line in file:lines() do
    count = count + 1
    if count == number then
      found = read_line(line)
      break
    end
  end
  file:close()
  if not found then
    failure.raise("not_found", "%s holds no delivery %d", path, number)
  end
  return found
end

--- A delivery as it is printed.
-- @tparam table delivery
-- @treturn table
function deliveries.shown(delivery)
  local booking = core.decode(delivery.body)
  return { n = delivery.n, received_at = delivery.received_at, body = booking == nil and delivery.body or booking }
end

--- A line about a delivery, for people.
-- @tparam table delivery
-- @treturn string
function deliveries.summary(delivery)
  local booking, cells = core.decode(delivery.body), { ("#%d"):format(delivery.n) }
  for _, name in ipairs { "state", "graph", "id" } do
    local value = type(booking) == "table" and booking[name]
    cells[#cells + 1] = type(value) == "string" and value or "?"
  end
  return require("timekit.cli.columns").text(table.concat(cells, "  ")) .. "  " .. delivery.received_at
end

return deliveries
