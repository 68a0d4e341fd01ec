/* The decoder of builds without simdjson: lua-cjson alone reads the text. */
#include "json/json.h"

/* The address of this is the registry key of the decode function. The casts to void * below go through size_t because
   -Wcast-qual refuses to drop the const. */
static const char decoder_key = 0;

int tk_json_decode(lua_State *L, const char *text, size_t size, size_t capacity) {
  int top = lua_gettop(L);
  (void)capacity;
  lua_pushlightuserdata(L, (void *)(size_t)&decoder_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  lua_pushlstring(L, text, size);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L) - top;
}

int tk_json_decode_member(lua_State *L, const char *text, size_t size, size_t capacity, const char *name,
                          int *has_numbers) {
  int top = lua_gettop(L);
  *has_numbers = 1;
  (void)tk_json_decode(L, text, size, capacity);
  lua_settop(L, top + 1);
  return tk_json_keep_member(L, name);
}

void tk_json_push_decode(lua_State *L) {
  tk_json_push_cjson(L);
  lua_pushlightuserdata(L, (void *)(size_t)&decoder_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

static int load_decoder(lua_State *L) {
  lua_pushstring(L, tk_json_decoder());
  return 1;
}

void tk_json_push_load(lua_State *L) { lua_pushcfunction(L, load_decoder); }

const char *tk_json_decoder(void) { return "cjson"; }
