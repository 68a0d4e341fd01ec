rockspec_format = "3.0"
package = "timekit"
version = "0.1.0-1"
source = {
  url = "https://timekit-lua.invalid/releases/timekit-0.1.0.tar.gz",
  tag = "v0.1.0",
  dir = "timekit-0.1.0",
}
description = {
  summary = "Performs actions on Timekit bookings, and knows the booking graphs",
  detailed = [[
A client for Timekit's bookings API over libcurl. It knows which actions are possible in which state, checks
their inputs before anything is sent, and tells of every action whether it was applied, was not, or may have been.]],
  license = "MIT",
  labels = { "http", "api", "booking", "libcurl" },
}
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson >= 2.1.0",
  -- For the program alone.
  "argparse >= 0.7.1",
  "lua-term >= 0.1",
}
external_dependencies = {
  -- No `header`: LuaRocks does not look into Debian's folder of this machine's headers, which the compiler knows.
  CURL = { library = "curl" },
  CRYPTO = { library = "crypto" },
}
build = {
  -- The Makefile finds simdjson where it is, which LuaRocks cannot look for.
  type = "make",
  build_target = "all",
  variables = {
    LUA = "$(LUA)", LUA_CFLAGS = "-I$(LUA_INCDIR)", CFLAGS = "$(CFLAGS)",
    CPPFLAGS = "-I$(CURL_INCDIR) -I$(CRYPTO_INCDIR)", LDFLAGS = "-L$(CURL_LIBDIR) -L$(CRYPTO_LIBDIR)",
    INST_LUADIR = "$(LUADIR)", INST_LIBDIR = "$(LIBDIR)", INST_BINDIR = "$(BINDIR)",
    -- LuaRocks puts the paths of its tree into the program.
    RELOCATABLE = "1",
  },
}
test = { type = "command", command = "make test" }
