-- The library's own code stays within what every Lua has.
std = "min"
max_line_length = 120
files["spec"] = { std = "max+busted" }
files["lua/timekit/runtime/ngx/*.lua"] = { std = "min+ngx_lua" }
-- Generated: declarations, which editors read and nothing runs.
exclude_files = { "lua/timekit/library", "build" }
