/* Hides the differences between Lua 5.1 to 5.5 and LuaJIT. The names are our own: redefining Lua's would break the
   build with headers that already have them. */
#ifndef TK_COMPAT_H
#define TK_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

/* Whether this Lua has integers as well as floats. */
#define TK_INTEGERS (LUA_VERSION_NUM >= 503)

#if LUA_VERSION_NUM >= 502
#define tk_rawlen lua_rawlen
#else
#define tk_rawlen lua_objlen
#endif

#if TK_INTEGERS
#define tk_rawgeti lua_rawgeti
#else
#define tk_rawgeti(L, table, index) lua_rawgeti(L, table, (int)(index))
#endif

/* The Lua value that a userdata keeps alive. It has to be a table, because 5.1 and 5.2 allow nothing else. */
#if LUA_VERSION_NUM >= 504
#define tk_setuservalue(L, index) lua_setiuservalue(L, index, 1)
#define tk_getuservalue(L, index) lua_getiuservalue(L, index, 1)
#elif LUA_VERSION_NUM >= 502
#define tk_setuservalue(L, index) lua_setuservalue(L, index)
#define tk_getuservalue(L, index) lua_getuservalue(L, index)
#else
#define tk_setuservalue(L, index) lua_setfenv(L, index)
#define tk_getuservalue(L, index) lua_getfenv(L, index)
#endif

/* Functions without upvalues. LuaJIT has luaL_setfuncs and Lua 5.1 does not, but LUA_VERSION_NUM is 501 in both. */
#if LUA_VERSION_NUM >= 502
#define tk_setfuncs(L, functions) luaL_setfuncs(L, functions, 0)
#define tk_setmetatable(L, name) luaL_setmetatable(L, name)
#else
#define tk_setfuncs(L, functions) luaL_register(L, NULL, functions)
#define tk_setmetatable(L, name) (luaL_getmetatable(L, name), lua_setmetatable(L, -2))
#endif

/* For luaL_checkstack: where memory has run out, luaL_error of Lua 5.5.1 raises whatever is on the stack. */
static inline void tk_checkstack(lua_State *L, int space) {
  if (lua_checkstack(L, space)) return;
  lua_pushliteral(L, "not enough memory for Lua's stack");
  lua_error(L);
}

/* luaL_checkudata for methods that have their class's metatable as first upvalue, see tk_setmethods. Comparing with
   the upvalue is faster than looking the metatable up by its name. */
#define TK_CLASS lua_upvalueindex(1)
static inline void *tk_checkudata(lua_State *L, const char *class_name) {
  void *userdata = lua_touserdata(L, 1);
  if (userdata != NULL && lua_getmetatable(L, 1)) {
    int is_ours = lua_rawequal(L, -1, TK_CLASS);
    lua_pop(L, 1);
    if (is_ours) return userdata;
  }
  return luaL_checkudata(L, 1, class_name);
}

/* Sets methods in the table on top of the stack, with the metatable at stack index `class_index` as their upvalue. */
static inline void tk_setmethods(lua_State *L, const luaL_Reg *functions, int class_index) {
  for (; functions->name != NULL; functions++) {
    lua_pushvalue(L, class_index);
    lua_pushcclosure(L, functions->func, 1);
    lua_setfield(L, -2, functions->name);
  }
}

#endif
