/* A Lua with sanitizers in it: `lua_main SCRIPT ARGS…`. To preload them into the stock interpreter would
   hand them to every program that the specs start. HOST_CPATH is where it looks for C modules first. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdio.h>
#include <stdlib.h>

static int explain(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static void prepend_cpath(lua_State *L) {
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s;", getenv("HOST_CPATH") == NULL ? "" : getenv("HOST_CPATH"));
  lua_getfield(L, -2, "cpath");
  lua_concat(L, 2);
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
}

/* Also -1, where programs look for the interpreter's name: they are to start the stock one. */
static void set_arg(lua_State *L, int argc, char **argv) {
  int i;
  lua_newtable(L);
  for (i = 1; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_pushliteral(L, "lua5.4");
  lua_rawseti(L, -2, -1);
  lua_setglobal(L, "arg");
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int i, failed;
  if (L == NULL || argc < 2) return 2;
  luaL_openlibs(L);
  prepend_cpath(L);
  set_arg(L, argc, argv);
  lua_pushcfunction(L, explain);
  failed = luaL_loadfile(L, argv[1]) != LUA_OK;
  for (i = 2; !failed && i < argc; i++) lua_pushstring(L, argv[i]);
  failed = failed || lua_pcall(L, argc - 2, 0, 1) != LUA_OK;
  if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return failed;
}
