--- A program: prints the seconds that `require "timekit"` takes, those of CPU, and those of CPU that a first client
-- takes.
local socket = require "socket"

local began, cpu_began = socket.gettime(), os.clock()
local timekit = require "timekit"
local seconds, cpu = socket.gettime() - began, os.clock() - cpu_began
timekit.new { app_key = "k_bench" }
print(seconds, cpu, os.clock() - cpu_began - cpu)
