/* Lua 5.1 to 5.4 and LuaJIT under one set of names, private ones: a module that redefines Lua's own breaks where the
   host's headers already have them. */
#ifndef TK_COMPAT_H
#define TK_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

/* Whether numbers have an integer subtype. */
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

/* The one Lua value that a userdata can keep; a table, since 5.1 and 5.2 take nothing else. */
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

/* Without upvalues. LuaJIT has luaL_setfuncs, but Lua 5.1 itself has not, and both say 501. */
#if LUA_VERSION_NUM >= 502
#define tk_setfuncs(L, functions) luaL_setfuncs(L, functions, 0)
#define tk_setmetatable(L, name) luaL_setmetatable(L, name)
#else
#define tk_setfuncs(L, functions) luaL_register(L, NULL, functions)
#define tk_setmetatable(L, name) (luaL_getmetatable(L, name), lua_setmetatable(L, -2))
#endif

/* luaL_checkudata for functions that have the class's metatable as their first upvalue, which spares it the look for the
   name. `class_name` is what its message calls it. */
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

/* Sets functions in the table on top of the stack, with the metatable at `class_index` as their upvalue. */
static inline void tk_setmethods(lua_State *L, const luaL_Reg *functions, int class_index) {
  for (; functions->name != NULL; functions++) {
    lua_pushvalue(L, class_index);
    lua_pushcclosure(L, functions->func, 1);
    lua_setfield(L, -2, functions->name);
  }
}

#endif
