/***
The C core: the engine, JSON and signatures as a Lua module. Private: users see `timekit`.

Everything that Lua could interrupt with an error happens outside libcurl: requests are copied before
a transfer starts, and results become Lua values when libcurl has returned.

@module timekit.core
*/
#include "bind/compat.h"
#include "engine/engine.h"
#include "bind/escape.h"
#include "bind/hmac_lua.h"
#include "json/json.h"
#include "bind/notifier_lua.h"
#include "bind/tls_lua.h"
#include "bind/transfer_lua.h"

#include <curl/curl.h>
#include <string.h>

#define ENGINE "timekit.engine"
#define OWNERS "timekit.owners"

/* A closed engine has none. Its user value holds the owners of its transfers by the addresses of their handles,
   weakly. */
typedef struct engine_handle {
  tk_engine *engine;
} engine_handle;

/* ---- fields of option tables; each raises with the field's name ---- */

static int field_error(lua_State *L, const char *name, const char *expected) {
  return luaL_error(L, "%s: expected %s, got %s", name, expected, luaL_typename(L, -1));
}

/* The string stays alive in its table. C strings end at NUL, so one inside would cut the rest off. */
static const char *string_field(lua_State *L, int index, const char *name, size_t *size) {
  const char *text;
  size_t length = 0;
  lua_getfield(L, index, name);
  if (lua_type(L, -1) != LUA_TSTRING && !lua_isnil(L, -1)) field_error(L, name, "a string");
  text = lua_tolstring(L, -1, &length);
  if (text != NULL && size == NULL && strlen(text) != length) luaL_error(L, "%s: expected no NUL character", name);
  if (size != NULL) *size = length;
  lua_pop(L, 1);
  return text;
}

static const char *required_string(lua_State *L, int index, const char *name) {
  const char *text = string_field(L, index, name, NULL);
  if (text == NULL) luaL_error(L, "%s: expected a string, got nil", name);
  return text;
}

static double positive_field(lua_State *L, int index, const char *name, double missing) {
  double number = missing;
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER) field_error(L, name, "a positive number");
    number = (double)lua_tonumber(L, -1);
  }
  if (!(number > 0)) luaL_error(L, "%s: expected a positive number", name);
  lua_pop(L, 1);
  return number;
}

static size_t size_field(lua_State *L, int index, const char *name, double missing) {
  double number = positive_field(L, index, name, missing);
  if (number > 4294967295.0) luaL_error(L, "%s: expected at most 4294967295 bytes", name);
  return (size_t)number;
}

/* Turns the map of headers in the table's field `headers` into lines. Pushes two values that keep
   the lines alive. */
static const char *const *header_lines(lua_State *L, int index, size_t *count) {
  const char **lines;
  size_t n = 0;
  lua_getfield(L, index, "headers");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1)) field_error(L, "headers", "a table");
  *count = 0;
  if (lua_isnil(L, -1)) {
    lua_pushnil(L);
    return NULL;
  }
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) n++;
  if (n == 0) {
    lua_pushnil(L);
    return NULL;
  }
  lua_createtable(L, (int)n, 0);
  lua_insert(L, -2);
  lines = (const char **)lua_newuserdata(L, n * sizeof *lines);
  lua_insert(L, -2);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    size_t name_size, value_size;
    const char *name, *value;
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "headers: expected strings as names and values");
    name = lua_tolstring(L, -2, &name_size);
    value = lua_tolstring(L, -1, &value_size);
    if (strlen(name) != name_size || strlen(value) != value_size)
      luaL_error(L, "headers: expected no NUL character");
    if (strchr(name, ':') != NULL) luaL_error(L, "headers: expected names without a colon");
    lines[*count] = lua_pushfstring(L, "%s: %s", name, value);
    lua_rawseti(L, -6, (int)++*count);
  }
  lua_pop(L, 1);
  return lines;
}

static int is_text(lua_State *L, int index, const char *text) {
  size_t size;
  const char *found = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
  return found != NULL && size == strlen(text) && memcmp(found, text, size) == 0;
}

/* Whether the table's field `headers` says no more than what nearly every request with a body says. */
static int is_json(lua_State *L, int index) {
  int top = lua_gettop(L), is_alone = 0;
  lua_getfield(L, index, "headers");
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    if (lua_next(L, -2) != 0 && is_text(L, -2, "Content-Type") && is_text(L, -1, "application/json")) {
      lua_pop(L, 1);
      is_alone = lua_next(L, -2) == 0;
    }
  }
  lua_settop(L, top);
  return is_alone;
}

/* ---- engines ---- */

static engine_handle *check_handle(lua_State *L) { return (engine_handle *)tk_checkudata(L, ENGINE); }

static tk_engine *check_engine(lua_State *L) {
  engine_handle *handle = check_handle(L);
  if (handle->engine == NULL) luaL_error(L, "attempt to use a closed engine");
  return handle->engine;
}

/***
Makes an engine: many transfers to one origin. Raises when an option is wrong, naming it.
@function engine
@tparam table options `base_url` (https, or http to loopback), `username`, `password`, `user_agent`, `ca_file`,
`cert_file`, `key_file`, `key_password` (as for `tls`), `tls` (instead of those four), `proxy`, `headers` (map),
`http2` (boolean), `connect_timeout` (seconds, 10), `max_response` (bytes, 8 MiB),
`max_headers` (bytes, 256 KiB)
@treturn engine
@usage local engine = core.engine { base_url = "https://api.timekit.io/v2", username = "", password = key }
*/
static int engine_new(lua_State *L) {
  engine_handle *handle;
  tk_options options;
  char message[TK_MESSAGE_SIZE];
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  options.base_url = required_string(L, 1, "base_url");
  options.username = string_field(L, 1, "username", NULL);
  options.password = string_field(L, 1, "password", NULL);
  options.user_agent = string_field(L, 1, "user_agent", NULL);
  tk_tls_get_files(L, 1, &options.files);
  options.tls = tk_tls_get(L, 1);
  options.proxy = string_field(L, 1, "proxy", NULL);
  options.connect_timeout = positive_field(L, 1, "connect_timeout", 10);
  options.max_response = size_field(L, 1, "max_response", 8.0 * 1024 * 1024);
  options.max_headers = size_field(L, 1, "max_headers", 256.0 * 1024);
  lua_getfield(L, 1, "http2");
  options.http2 = lua_toboolean(L, -1);
  options.headers = header_lines(L, 1, &options.header_count);
  handle = (engine_handle *)lua_newuserdata(L, sizeof *handle);
  handle->engine = NULL;
  tk_setmetatable(L, ENGINE);
  lua_newtable(L);
  tk_setmetatable(L, OWNERS);
  tk_setuservalue(L, -2);
  handle->engine = tk_engine_new(&options, message);
  if (handle->engine == NULL) return luaL_error(L, "%s", message);
  return 1;
}

/***
Why `engine` would refuse a `base_url`, so that whoever takes options can tell at once.
@function base_url_problem
@tparam string base_url
@treturn string|nil such as `base_url: expected no query and no fragment`; nil: it would not
*/
static int base_url_problem(lua_State *L) {
  int plain = 0;
  lua_pushstring(L, tk_origin_problem(luaL_checkstring(L, 1), &plain));
  return 1;
}

/***
Why `engine` would refuse a `proxy`.
@function proxy_problem
@tparam string proxy
@treturn string|nil such as `proxy: expected an http, https or socks URL`; nil: it would not
*/
static int proxy_problem(lua_State *L) {
  lua_pushstring(L, tk_proxy_problem(luaL_checkstring(L, 1)));
  return 1;
}

/* Before the transfer starts, since this may raise for want of memory. */
static void set_owner(lua_State *L, void *handle, int owner) {
  tk_getuservalue(L, 1);
  lua_pushlightuserdata(L, handle);
  lua_pushvalue(L, owner);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/***
Starts a transfer; nothing is sent if it raises.
@function engine:start
@tparam table request `method`, `target` (path and query, appended to base_url), `headers` (map), `body`,
`timeout` (seconds, 30)
@tparam ?any owner what `engine:finished` returns for this transfer, held weakly; the transfer itself unless given
@treturn transfer
*/
static int engine_start(lua_State *L) {
  tk_transfer_handle *handle;
  tk_request request;
  char message[TK_MESSAGE_SIZE];
  (void)check_engine(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 3);
  request.method = required_string(L, 2, "method");
  request.target = required_string(L, 2, "target");
  request.body = string_field(L, 2, "body", &request.body_size);
  request.timeout = positive_field(L, 2, "timeout", 30);
  request.is_json = is_json(L, 2);
  request.header_count = 0;
  request.headers = request.is_json ? NULL : header_lines(L, 2, &request.header_count);
  handle = tk_transfer_push(L);
  request.tag = handle;
  set_owner(L, handle, lua_isnil(L, 3) ? lua_gettop(L) : 3);
  /* A finalizer may have closed the engine meanwhile. */
  handle->transfer = tk_transfer_start(check_engine(L), &request, message);
  if (handle->transfer == NULL) return luaL_error(L, "%s", message);
  return 1;
}

/***
Goes on with what is ready, without waiting.
@function engine:step
@treturn integer transfers in flight
*/
static int engine_step(lua_State *L) {
  lua_pushinteger(L, tk_engine_step(check_engine(L)));
  return 1;
}

/***
Waits until something happened, for `seconds` at the most, and goes on with it. Returns early on a signal
and when nothing is in flight.
@function engine:wait
@tparam number seconds
@treturn integer transfers in flight
*/
static int engine_wait(lua_State *L) {
  tk_engine *engine = check_engine(L);
  double seconds = (double)luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds >= 0, 2, "expected seconds, zero or more");
  lua_pushinteger(L, tk_engine_wait(engine, seconds));
  return 1;
}

/***
The owner of the next transfer that is over, in the order of their ends. Each is told once, and only while its result
has not been asked for.
@function engine:finished
@treturn table|nil nil: there is no further one
*/
static int engine_finished(lua_State *L) {
  tk_engine *engine = check_engine(L);
  tk_transfer *transfer;
  lua_settop(L, 1);
  tk_getuservalue(L, 1);
  while ((transfer = tk_engine_finished(engine)) != NULL) {
    lua_pushlightuserdata(L, tk_transfer_tag(transfer));
    lua_pushvalue(L, -1);
    lua_rawget(L, 2);
    if (!lua_isnil(L, -1)) {
      lua_insert(L, -2);
      lua_pushnil(L);
      lua_rawset(L, 2); /* a key that is there takes no memory */
      return 1;
    }
    lua_pop(L, 2);
  }
  lua_pushnil(L);
  return 1;
}

/***
Says when the host has something to do: that ends a wait and makes the descriptor readable, once. It replaces an earlier
alarm.
@function engine:alarm
@tparam ?number when on the clock of `now`; nil: there is nothing to do
*/
static int engine_alarm(lua_State *L) {
  tk_engine *engine = check_engine(L);
  tk_engine_alarm(engine, luaL_optnumber(L, 2, -1));
  return 0;
}

/***
Transfers in flight.
@function engine:pending
@treturn integer
*/
static int engine_pending(lua_State *L) {
  lua_pushinteger(L, tk_engine_pending(check_engine(L)));
  return 1;
}

/***
A descriptor that is readable when a step has something to do; nil where the system has none (it takes epoll).
@function engine:fd
@treturn integer|nil
*/
static int engine_fd(lua_State *L) {
  int fd = tk_engine_fd(check_engine(L));
  if (fd < 0) lua_pushnil(L);
  else lua_pushinteger(L, fd);
  return 1;
}

/***
Seconds until a step has something to do by time alone; nil if there is no such time.
@function engine:timeout
@treturn number|nil
*/
static int engine_timeout(lua_State *L) {
  double timeout = tk_engine_timeout(check_engine(L));
  if (timeout < 0) lua_pushnil(L);
  else lua_pushnumber(L, (lua_Number)timeout);
  return 1;
}

/***
Whether transfers can be started: not after close, not in a forked child, not after libcurl gave up.
@function engine:usable
@treturn boolean
*/
static int engine_usable(lua_State *L) {
  const engine_handle *handle = check_handle(L);
  lua_pushboolean(L, handle->engine != NULL && tk_engine_usable(handle->engine));
  return 1;
}

/***
Ends all transfers, wipes the credentials. Closing twice is silent.
@function engine:close
*/
static int engine_close(lua_State *L) {
  engine_handle *handle = check_handle(L);
  tk_engine *engine = handle->engine;
  handle->engine = NULL;
  tk_engine_free(engine);
  return 0;
}

static int engine_tostring(lua_State *L) {
  const engine_handle *handle = check_handle(L);
  if (handle->engine == NULL) lua_pushliteral(L, ENGINE " (closed)");
  else lua_pushfstring(L, "%s (%d in flight)", ENGINE, tk_engine_pending(handle->engine));
  return 1;
}

/* ---- the module ---- */

/***
Seconds on a clock that only goes forward.
@function now
@treturn number
*/
static int core_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)tk_now());
  return 1;
}

/***
Does nothing for some time; returns early on a signal.
@function sleep
@tparam number seconds
*/
static int core_sleep(lua_State *L) {
  double seconds = (double)luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0, 1, "expected seconds, zero or more");
  tk_sleep(seconds);
  return 0;
}

static const luaL_Reg functions[] = {{"engine", engine_new}, {"base_url_problem", base_url_problem},
                                     {"proxy_problem", proxy_problem}, {"now", core_now}, {"sleep", core_sleep},
                                     {NULL, NULL}};

static const luaL_Reg engine_methods[] = {
  {"start", engine_start},     {"step", engine_step},     {"wait", engine_wait},
  {"finished", engine_finished}, {"alarm", engine_alarm},
  {"pending", engine_pending}, {"fd", engine_fd},         {"timeout", engine_timeout},
  {"usable", engine_usable},   {"close", engine_close},   {NULL, NULL}};

static const luaL_Reg engine_metamethods[] = {
  {"__gc", engine_close}, {"__close", engine_close}, {"__tostring", engine_tostring}, {NULL, NULL}};

static void define_engine(lua_State *L) {
  luaL_newmetatable(L, ENGINE);
  tk_setmethods(L, engine_metamethods, lua_gettop(L));
  lua_newtable(L);
  tk_setmethods(L, engine_methods, lua_gettop(L) - 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

static void define_owners(lua_State *L) {
  luaL_newmetatable(L, OWNERS);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_pop(L, 1);
}

/* What this libcurl can do, as far as it matters to users. */
static void set_version_table(lua_State *L) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, "scm");
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
  define_engine(L);
  define_owners(L);
  lua_newtable(L);
  tk_setfuncs(L, functions);
  set_version_table(L);
  tk_json_open(L);
  tk_transfer_open(L);
  tk_notifier_open(L);
  tk_tls_open(L);
  tk_hmac_open(L);
  tk_escape_open(L);
  return 1;
}
