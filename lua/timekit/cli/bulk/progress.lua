--- Tells how far a bulk run is: on a terminal one line that is redrawn, else a plain line now and then.
-- Pure but for the function that writes: the time comes from the caller.
-- @module timekit.cli.bulk.progress

local progress = {}

-- Seconds between two lines.
local REDRAWN, PLAIN = 0.2, 10

-- Seconds over which the rate is taken: a pause shows soon, a single slow answer does not.
local SPAN = 30

-- Characters of the bar, at most and at least.
local LONGEST_BAR, SHORTEST_BAR = 20, 5

local Progress = {}
Progress.__index = Progress

--- Makes it.
-- @tparam table options `write`: function(text); `width`: function() → columns, or nil where there is no terminal
-- @tparam number now seconds
-- @treturn Progress
function progress.new(options, now)
  return setmetatable({
    write = options.write, width = options.width,
    samples = { { at = now, ended = 0 } }, -- how many rows this run had ended, each second of the span
    drawn_at = now, -- when it told last
    shown = false,  -- a line stands on the terminal that has no end yet
  }, Progress)
end

--- A time for people.
-- @tparam number seconds
-- @treturn string such as `0:42` or `3:00:00`
-- @usage progress.duration(62)   --> "1:02"
function progress.duration(seconds)
  local whole = math.ceil(seconds)
  local hours, minutes = math.floor(whole / 3600), math.floor(whole % 3600 / 60)
  if hours > 0 then return ("%d:%02d:%02d"):format(hours, minutes, whole % 60) end
  return ("%d:%02d"):format(minutes, whole % 60)
end

local function note(self, ended, now)
  local samples = self.samples
  if now - samples[#samples].at < 1 then return end
  samples[#samples + 1] = { at = now, ended = ended }
  while now - samples[1].at > SPAN and #samples > 2 do table.remove(samples, 1) end
end

-- Rows a second, of late.
local function rate(self, ended, now)
  local first = self.samples[1]
  return now > first.at and (ended - first.ended) / (now - first.at) or 0
end

local function bar(share, size)
  local filled = math.floor(share * size)
  return "[" .. ("#"):rep(filled) .. ("-"):rep(size - filled) .. "] "
end

local function share_of(tally)
  return tally.total > 0 and tally:ended() / tally.total or 1
end

--- What it tells.
-- @tparam Tally tally
-- @tparam number now seconds
-- @tparam ?string why it waits
-- @treturn string without the bar
function Progress:text(tally, now, why)
  local per_second = rate(self, tally:ended() - tally.earlier, now)
  local parts = {
    ("%.0f %%"):format(math.floor(100 * share_of(tally))), ("%d done"):format(tally.done + tally.reconciled),
    ("%d failed"):format(tally.failed), ("%d uncertain"):format(tally.uncertain), ("%d left"):format(tally:left()),
  }
  if per_second > 0 then
    parts[#parts + 1] = ("%.1f/s"):format(per_second)
    if tally:left() > 0 then
      parts[#parts + 1] = "ready in " .. progress.duration(tally:left() / per_second)
    end
  end
  if why then parts[#parts + 1] = why end
  return table.concat(parts, ", ")
end

-- As much of it as fits.
local function fit(text, share, columns)
  -- The last column stays empty: some terminals go on to the next line there.
  local size = math.min(LONGEST_BAR, columns - 1 - #text - #"[] ")
  if size >= SHORTEST_BAR then return bar(share, size) .. text end
  return text:sub(1, math.max(0, columns - 1))
end

--- Tells, if it is time to.
-- @tparam Tally tally
-- @tparam number now seconds
-- @tparam ?function why returns why it waits, or nil
function Progress:update(tally, now, why)
  note(self, tally:ended() - tally.earlier, now)
  local columns = self.width()
  if now - self.drawn_at < (columns and REDRAWN or PLAIN) then return end
  self.drawn_at = now
  local text = self:text(tally, now, why and why())
  if columns then
    self.write("\r" .. fit(text, share_of(tally), columns) .. "\27[K")
    self.shown = true
  else
    self.write("timekit: " .. text .. "\n")
  end
end

--- Makes room for other text: removes the line that is redrawn.
function Progress:clear()
  if self.shown then self.write "\r\27[K" end
  self.shown = false
end

return progress
