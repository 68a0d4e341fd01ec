/***
The JSON part of timekit.core: the array mark, null, and the table of functions.
@submodule timekit.core
*/
#include "json/json.h"

/* The registry key of the array metatable. Arrays keep their mark if the module is loaded again into the same state,
   as test runners do. */
#define ARRAY_NAME "timekit.array"

/* The upvalues of `array` and `is_array`. */
#define ARRAY lua_upvalueindex(1)
#define EMPTY_ARRAY_MT lua_upvalueindex(2)

int tk_json_is_marked(lua_State *L, int array, int empty_array) {
  int marked;
  if (!lua_getmetatable(L, -1)) return 0;
  marked = lua_rawequal(L, -1, array);
  if (!marked && lua_rawequal(L, -1, empty_array)) {
    lua_pushnil(L);
    marked = !lua_next(L, -3);
    if (!marked) lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return marked;
}

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

int tk_json_keep_member(lua_State *L, const char *name) {
  if (lua_istable(L, -1)) {
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
  } else {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  if (!lua_isnil(L, -1)) return 1;
  lua_pop(L, 1);
  return 0;
}

/***
Marks a table as a JSON array. An empty table needs the mark to be sent as `[]` instead of `{}`. The arrays of an answer
are marked already. The mark is a metatable; elements can still be added and removed. With OpenResty's lua-cjson the
mark is its `array_mt`, so `cjson.encode` writes the empty arrays of an answer as `[]`. Other versions of lua-cjson know
no mark and write `{}`.
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
    luaL_argcheck(L, lua_rawequal(L, -1, ARRAY) || lua_rawequal(L, -1, EMPTY_ARRAY_MT), 1,
                  "plain table expected, got one with a metatable, which the mark would replace");
    lua_pop(L, 1);
  }
  length = (lua_Integer)(tk_rawlen(L, 1));
  luaL_argcheck(L, tk_json_count(L, 1, length) == length, 1, "array expected, got a table with other keys than 1 to n");
  lua_pushvalue(L, ARRAY);
  lua_setmetatable(L, 1);
  return 1;
}

/***
Tells whether a value is marked as a JSON array, by `array`, by `decode` or by a metatable of OpenResty's lua-cjson.
@function is_array
@param v any value
@treturn boolean
@usage assert(timekit.is_array(booking.customers))
*/
static int is_array(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  lua_pushboolean(L, lua_istable(L, 1) && tk_json_is_marked(L, ARRAY, EMPTY_ARRAY_MT));
  return 1;
}

/***
Tells whether a value that was decoded is a JSON object: a table that is not marked as an array.
@function is_object
@param v any value
@treturn boolean
*/
static int is_object(lua_State *L) {
  lua_settop(L, 1);
  lua_pushboolean(L, lua_istable(L, 1) && !tk_json_is_marked(L, ARRAY, EMPTY_ARRAY_MT));
  return 1;
}

/* Pushes a field of the table at stack index `cjson`; nil if its type is not the expected one. */
static void push_mark(lua_State *L, int cjson, const char *name, int type) {
  lua_getfield(L, cjson, name);
  if (lua_type(L, -1) == type) return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* Pushes the array metatable: that of an earlier load, lua-cjson's own, or a new one. */
static void push_array(lua_State *L, int cjson) {
  lua_getfield(L, LUA_REGISTRYINDEX, ARRAY_NAME);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  push_mark(L, cjson, "array_mt", LUA_TTABLE);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    luaL_newmetatable(L, ARRAY_NAME);
    return;
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, ARRAY_NAME);
}

static void set_marker(lua_State *L, int array, lua_CFunction function, const char *name) {
  lua_pushvalue(L, array);
  lua_pushvalue(L, array + 1);
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, array - 2, name);
}

/***
Loads what `decode` would load later, where it decodes much. Hosts that must not wait call it when they start.
@function load_decoder
@treturn string the decoder that is used from now on: `simdjson` or `cjson`; the latter also if simdjson's library cannot
be loaded
@usage core.load_decoder()
*/
void tk_json_open(lua_State *L) {
  int module = lua_gettop(L), cjson = module + 1, array_index = module + 2;
  tk_json_require_cjson(L);
  push_array(L, cjson);
  push_mark(L, cjson, "empty_array_mt", LUA_TTABLE);
  set_marker(L, array_index, array, "array");
  set_marker(L, array_index, is_array, "is_array");
  set_marker(L, array_index, is_object, "is_object");

  lua_pushvalue(L, array_index);
  tk_json_push_decode(L);
  lua_setfield(L, module, "decode");
  tk_json_push_load(L);
  lua_setfield(L, module, "load_decoder");

  push_mark(L, cjson, "empty_array", LUA_TLIGHTUSERDATA);
  tk_json_push_encode(L);
  lua_setfield(L, module, "encode");
  lua_setfield(L, module, "encode_member");
  lua_settop(L, module);

  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");

  lua_pushstring(L, tk_json_decoder());
  lua_setfield(L, -2, "json");
}
