--- A program: prints the seconds that `require "timekit"` takes, and those of CPU.
local socket = require "socket"

local began, cpu_began = socket.gettime(), os.clock()
require "timekit"
print(socket.gettime() - began, os.clock() - cpu_began)
