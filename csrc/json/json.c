/***
The JSON part of timekit.core: the array mark, null, and the table of functions.
@submodule timekit.core
*/
#include "json/json.h"

/* The registry key of the array metatable. Arrays keep their mark if the module is loaded again into the same state,
   as test runners do. The metatable is the first upvalue of all functions here. */
#define ARRAY_NAME "timekit.array"

lua_Integer tk_json_count(lua_State *L, int table, lua_Integer length) {
  lua_Integer keys = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    lua_pop(L, 1);
    if (!(key >= 1 && key <= (lua_Number)length && key == (lua_Number)(lua_Integer)key)) return -1;
    keys++;
  }
  return keys;
}

/***
Marks a table as a JSON array. An empty table needs the mark to be sent as `[]` instead of `{}`. The arrays of an answer
are marked already. The mark is a metatable; elements can still be added and removed.
@function array
@tparam[opt={}] table t a table with the keys 1 to n and without a metatable
@treturn table `t`
@raise `t` has other keys, holes, or a metatable that the mark would replace
@usage timekit.booking(id):action("update", { tags = timekit.array{} })
*/
static int array(lua_State *L) {
  lua_Integer length;
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (lua_getmetatable(L, 1)) {
    luaL_argcheck(L, lua_rawequal(L, -1, lua_upvalueindex(1)), 1,
                  "plain table expected, got one with a metatable, which the mark would replace");
    lua_pop(L, 1);
  }
  length = (lua_Integer)(tk_rawlen(L, 1));
  luaL_argcheck(L, tk_json_count(L, 1, length) == length, 1, "array expected, got a table with other keys than 1 to n");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_setmetatable(L, 1);
  return 1;
}

/***
Tells whether a value is marked as a JSON array, by `array` or by `decode`.
@function is_array
@param v any value
@treturn boolean
@usage assert(timekit.is_array(booking.customers))
*/
static int is_array(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, lua_istable(L, 1) && lua_getmetatable(L, 1) && lua_rawequal(L, -1, lua_upvalueindex(1)));
  return 1;
}

void tk_json_open(lua_State *L) {
  luaL_newmetatable(L, ARRAY_NAME);

  lua_pushvalue(L, -1);
  lua_pushcclosure(L, array, 1);
  lua_setfield(L, -3, "array");

  lua_pushvalue(L, -1);
  lua_pushcclosure(L, is_array, 1);
  lua_setfield(L, -3, "is_array");

  lua_pushvalue(L, -1);
  tk_json_push_decode(L);
  lua_setfield(L, -3, "decode");

  tk_json_push_encode(L);
  lua_setfield(L, -2, "encode");

  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");

  lua_pushstring(L, tk_json_decoder());
  lua_setfield(L, -2, "json");
}
