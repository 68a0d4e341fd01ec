--- Loads the libraries that the program needs and the module does not; a missing one is named with how to install it.
-- @module timekit.cli.libraries

local failure = require "timekit.cli.failure"

local libraries = {}

-- Module → Debian's package, and the rock.
local PACKAGES = { argparse = { "lua-argparse", "argparse" }, term = { "lua-term", "lua-term" } }

local function load(name)
  local ok, library = pcall(require, name)
  if ok then return library end
  local debian, rock = PACKAGES[name][1], PACKAGES[name][2]
  failure.raise(
    "failed", "the program needs %s: apt-get install %s (Debian), or luarocks install %s", name, debian, rock)
end

--- Parses arguments.
function libraries.argparse()
  return load "argparse"
end

--- Knows terminals.
function libraries.term()
  return load "term"
end

--- Makes sure that lua-http is here.
-- @tparam string purpose what needs it, for the message
function libraries.http(purpose)
  local ok, problem = pcall(require("timekit.sandbox.served.listener").load_http, purpose)
  if not ok then failure.raise("failed", "%s", (tostring(problem):gsub("\n(.-):?$", " (%1)"))) end
end

return libraries
