--- Writes what became of the rows, in the order of the input, while they end in any order.
-- Pure but for the function that writes.
-- @module timekit.cli.bulk.results

local results = {}

local Results = {}
Results.__index = Results

--- Makes it.
-- @tparam function write function(text)
-- @treturn Results
function results.new(write)
  return setmetatable({
    write = write,
    next = 1,     -- the row whose line is written next
    last = 0,     -- the last row that has ended
    waiting = {}, -- row → its line, until those before it are written
  }, Results)
end

--- Takes the line of a row.
-- @tparam integer number of the row
-- @tparam string line
function Results:put(number, line)
  if number > self.last then self.last = number end
  self.waiting[number] = line
  while self.waiting[self.next] do
    self.write(self.waiting[self.next] .. "\n")
    self.waiting[self.next] = nil
    self.next = self.next + 1
  end
end

return results
