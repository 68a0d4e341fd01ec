/***
The C core as a Lua module: the engine, JSON, signatures, and a few functions of its own. It is private; users see
`timekit`.

Lua errors are never raised while libcurl runs, because they would jump over its stack frames. Requests are copied
before a transfer starts, and results become Lua values after libcurl has returned.

@module timekit.core
*/
#include "bind/append_lua.h"
#include "bind/compat.h"
#include "bind/digest.h"
#include "bind/engine_lua.h"
#include "bind/escape.h"
#include "bind/hmac.h"
#include "bind/notifier_lua.h"
#include "bind/program.h"
#include "bind/stream_lua.h"
#include "bind/tls_lua.h"
#include "bind/transfer_lua.h"
#include "bind/version.h"
#include "engine/engine.h"
#include "json/json.h"

#include <curl/curl.h>

/***
Checks a `base_url` as `engine` would, so that options can be refused when they are given.
@function base_url_problem
@tparam string base_url
@tparam[opt=false] boolean allow_http whether it may be http to other hosts than loopback
@treturn string|nil what is wrong, such as `base_url: expected no query and no fragment`; nil: nothing
*/
static int base_url_problem(lua_State *L) {
  int plain = 0;
  lua_pushstring(L, tk_origin_problem(luaL_checkstring(L, 1), lua_toboolean(L, 2), &plain));
  return 1;
}

/***
Checks a `proxy` as `engine` would.
@function proxy_problem
@tparam string proxy
@treturn string|nil what is wrong, such as `proxy: expected an http, https or socks URL`; nil: nothing
*/
static int proxy_problem(lua_State *L) {
  lua_pushstring(L, tk_proxy_problem(luaL_checkstring(L, 1)));
  return 1;
}

/***
Whether a header is one that only the engine may send, such as Authorization.
@function is_reserved_header
@tparam string name in whichever case
@treturn boolean
*/
static int is_reserved_header(lua_State *L) {
  lua_pushboolean(L, tk_header_is_reserved(luaL_checkstring(L, 1)));
  return 1;
}

/***
The time on a monotonic clock.
@function now
@treturn number seconds
*/
static int core_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)tk_now());
  return 1;
}

/***
Sleeps. Returns early on a signal.
@function sleep
@tparam number seconds
*/
static int core_sleep(lua_State *L) {
  double seconds = (double)luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0, 1, "expected seconds, zero or more");
  tk_sleep(seconds);
  return 0;
}

/***
Copies a table without its metatable.
@function copied
@tparam table t
@tparam integer room for so many fields in all, without growing
@treturn table
*/
static int copied(lua_State *L) {
  lua_Integer room = luaL_checkinteger(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_createtable(L, 0, (int)room);
  for (lua_pushnil(L); lua_next(L, 1) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, 2);
  }
  return 1;
}

/***
Calls a function that no other coroutine interrupts. HAProxy suspends a coroutine between any two of its instructions,
but not below a function of C. The function must not wait.
@function uninterrupted
@tparam function fn
@param ... its arguments
@return what it returns
*/
static int uninterrupted(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static const luaL_Reg functions[] = {{"base_url_problem", base_url_problem}, {"proxy_problem", proxy_problem},
                                     {"is_reserved_header", is_reserved_header}, {"now", core_now},
                                     {"sleep", core_sleep}, {"copied", copied},
                                     {"uninterrupted", uninterrupted}, {NULL, NULL}};

/* Sets `version`: our version, libcurl's, and the features of this libcurl that users ask about. */
static void set_version_table(lua_State *L) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, TK_VERSION);
  lua_setfield(L, -2, "timekit");
  lua_pushstring(L, info->version);
  lua_setfield(L, -2, "curl");
  lua_createtable(L, 0, 2);
  lua_pushboolean(L, (info->features & CURL_VERSION_HTTP2) != 0);
  lua_setfield(L, -2, "http2");
  lua_pushboolean(L, (info->features & CURL_VERSION_ASYNCHDNS) != 0);
  lua_setfield(L, -2, "async_dns");
  lua_setfield(L, -2, "features");
  lua_setfield(L, -2, "version");
}

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
LUALIB_API int luaopen_timekit_core(lua_State *L);

int luaopen_timekit_core(lua_State *L) {
  const char *problem = tk_setup();
  if (problem != NULL) return luaL_error(L, "%s", problem);
  lua_newtable(L);
  tk_setfuncs(L, functions);
  set_version_table(L);
  tk_json_open(L);
  tk_engine_open(L);
  tk_transfer_open(L);
  tk_stream_class(L);
  tk_notifier_open(L);
  tk_tls_open(L);
  tk_hmac_open(L);
  tk_escape_open(L);
  tk_append_open_lua(L);
  tk_digest_open(L);
  tk_program_open(L);
  return 1;
}
