/***
The engine as a Lua object: it makes many transfers to one origin.
@submodule timekit.core
*/
#include "bind/engine_lua.h"

#include "bind/fields.h"
#include "bind/stream_lua.h"
#include "bind/tls_lua.h"
#include "bind/transfer_lua.h"
#include "engine/engine.h"

#include <errno.h>

#define ENGINE "timekit.engine"
#define TRANSFERS "timekit.transfers"

/* The userdata owns the engine; NULL: it was closed. Its user value is a table from the address of each transfer's
   userdata to that userdata. The table is weak, so it does not keep a transfer that nobody uses. */
typedef struct engine_handle {
  tk_engine *engine;
} engine_handle;

static engine_handle *check_handle(lua_State *L) { return (engine_handle *)tk_checkudata(L, ENGINE); }

static tk_engine *open_engine(lua_State *L, const engine_handle *handle) {
  if (handle->engine == NULL) luaL_error(L, "attempt to use a closed engine");
  return handle->engine;
}

static tk_engine *check_engine(lua_State *L) { return open_engine(L, check_handle(L)); }

/***
Makes an engine, which makes many transfers to one origin.
@function engine
@tparam table options `base_url` (https, or http to loopback), `allow_http` (boolean: http to any host), `username`,
`password`, `user_agent`, `ca_file`, `cert_file`, `key_file`, `key_password` (as for `tls`), `tls` (instead of those
four), `proxy`, `headers` (map), `http2` (boolean), `connect_timeout` (seconds, default 10), `max_response` (bytes,
default 8 MiB), `max_headers` (bytes, default 256 KiB)
@treturn engine
@treturn[2] nil the process, or the machine, has no descriptor left
@treturn[2] string which of the two
@raise an option is wrong, and the message names it; or memory runs out
@usage local engine = core.engine { base_url = "https://api.timekit.io/v2", username = "", password = key }
*/
static int engine_new(lua_State *L) {
  engine_handle *handle;
  tk_options options;
  char message[TK_MESSAGE_SIZE];
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  tk_checkstack(L, 2 * LUA_MINSTACK);
  options.base_url = tk_required_string(L, 1, "base_url");
  options.username = tk_string_field(L, 1, "username", NULL);
  options.password = tk_string_field(L, 1, "password", NULL);
  options.user_agent = tk_string_field(L, 1, "user_agent", NULL);
  tk_tls_get_files(L, 1, &options.files);
  options.tls = tk_tls_get(L, 1);
  options.proxy = tk_string_field(L, 1, "proxy", NULL);
  options.connect_timeout = tk_positive_field(L, 1, "connect_timeout", 10);
  options.max_response = tk_size_field(L, 1, "max_response", 8.0 * 1024 * 1024);
  options.max_headers = tk_size_field(L, 1, "max_headers", 256.0 * 1024);
  lua_getfield(L, 1, "http2");
  options.http2 = lua_toboolean(L, -1);
  lua_getfield(L, 1, "allow_http");
  options.allow_http = lua_toboolean(L, -1);
  options.headers = tk_header_lines(L, 1, &options.header_count);
  handle = (engine_handle *)lua_newuserdata(L, sizeof *handle);
  handle->engine = NULL;
  tk_setmetatable(L, ENGINE);
  lua_newtable(L);
  tk_setmetatable(L, TRANSFERS);
  tk_setuservalue(L, -2);
  handle->engine = tk_engine_new(&options, message);
  if (handle->engine != NULL) return 1;
  if (errno != EMFILE && errno != ENFILE) return luaL_error(L, "%s", message);
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

/* Stores the transfer's userdata, which is on top of the stack. Call it before the transfer starts, because it raises if
   memory runs out. */
static void store(lua_State *L, void *handle) {
  tk_getuservalue(L, 1);
  lua_pushlightuserdata(L, handle);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/***
Starts a transfer.
@function engine:start
@tparam table request `method`, `target` (path and query, appended to base_url), `headers` (map), `body`,
`timeout` (seconds, default 30; nothing is sent after it), `authorize` (false: it is sent without Authorization)
@treturn transfer|nil nil: the engine is not usable any more
@raise the request is wrong, the engine is closed, or memory runs out; nothing is sent then
*/
static int engine_start(lua_State *L) {
  const engine_handle *engine = check_handle(L);
  tk_transfer_handle *handle;
  tk_request request;
  char message[TK_MESSAGE_SIZE];
  (void)open_engine(L, engine);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  request.method = tk_required_string(L, 2, "method");
  request.target = tk_required_string(L, 2, "target");
  request.body = tk_string_field(L, 2, "body", &request.body_size);
  request.timeout = tk_positive_field(L, 2, "timeout", 30);
  lua_getfield(L, 2, "authorize");
  request.is_anonymous = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  request.is_json = tk_is_json(L, 2);
  request.header_count = 0;
  request.headers = request.is_json ? NULL : tk_header_lines(L, 2, &request.header_count);
  handle = tk_transfer_push(L);
  request.tag = handle;
  store(L, handle);
  /* The engine is checked again, because a finalizer may have closed it while memory was allocated. */
  handle->transfer = tk_transfer_start(open_engine(L, engine), &request, message);
  if (handle->transfer != NULL) return 1;
  if (tk_engine_usable(open_engine(L, engine))) return luaL_error(L, "%s", message);
  lua_pushnil(L);
  return 1;
}

/***
Handles what is ready, without waiting.
@function engine:step
@treturn integer transfers in flight
*/
static int engine_step(lua_State *L) {
  lua_pushinteger(L, tk_engine_step(check_engine(L)));
  return 1;
}

/***
Waits for an event and handles it. Returns early on a signal, and at once if nothing is in flight and no alarm is set.
@function engine:wait
@tparam number seconds the longest wait
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
The next transfer that has ended, in the order in which they ended. Each is returned once. A transfer whose result was
already read, or that was released, is left out.
@function engine:finished
@treturn transfer|nil nil: there are no more
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
      lua_rawset(L, 2); /* cannot raise: clearing an existing key needs no memory */
      return 1;
    }
    lua_pop(L, 2);
  }
  lua_pushnil(L);
  return 1;
}

/***
Sets the host's own timer. When it is due, a wait ends and the descriptor becomes readable, once. There is one alarm; a
new one replaces it.
@function engine:alarm
@tparam ?number when on the clock of `now`; nil removes the alarm
*/
static int engine_alarm(lua_State *L) {
  tk_engine *engine = check_engine(L);
  tk_engine_alarm(engine, luaL_optnumber(L, 2, -1));
  return 0;
}

/***
The number of transfers in flight.
@function engine:pending
@treturn integer
*/
static int engine_pending(lua_State *L) {
  lua_pushinteger(L, tk_engine_pending(check_engine(L)));
  return 1;
}

/***
A descriptor that is readable while a step has something to do; nil on systems without epoll.
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
The time until the next timer, after which a step has something to do.
@function engine:timeout
@treturn number|nil seconds; nil: there is no timer
*/
static int engine_timeout(lua_State *L) {
  double timeout = tk_engine_timeout(check_engine(L));
  if (timeout < 0) lua_pushnil(L);
  else lua_pushnumber(L, (lua_Number)timeout);
  return 1;
}

/***
Whether transfers can be started. They cannot after `close`, in a forked child, or after an error that libcurl cannot
recover from.
@function engine:usable
@treturn boolean
*/
static int engine_usable(lua_State *L) {
  const engine_handle *handle = check_handle(L);
  lua_pushboolean(L, handle->engine != NULL && tk_engine_usable(handle->engine));
  return 1;
}

/***
Ends all transfers and wipes the credentials. Closing again does nothing.
@function engine:close
*/
static int engine_close(lua_State *L) {
  engine_handle *handle = check_handle(L);
  tk_engine *engine = handle->engine;
  handle->engine = NULL;
  tk_engine_free(engine);
  return 0;
}

/***
Opens a stream of bytes to another server. It connects while the engine is stepped; a failure to connect is a stream
that is over. A closed engine ends its streams.
@function engine:stream
@tparam table options `url` (`http://host:port`, or `https://host:port` for TLS), `unix_path` (a socket to connect to
instead of host and port), `ca_file` (certificates to trust instead of the system's), `connect_timeout` (seconds,
default 10), `max_input` (bytes that may wait to be received, default 8 MiB; more end the stream)
@treturn stream
@raise an option is wrong, and the message names it; the engine is closed or cannot be used any more, it has 64 streams
already, or memory runs out
@usage local stream = engine:stream { url = "http://localhost", unix_path = "/run/redis.sock" }
*/
static int engine_stream(lua_State *L) {
  tk_stream_handle *handle;
  tk_stream_options options;
  char message[TK_MESSAGE_SIZE];
  (void)check_engine(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  tk_stream_get_options(L, 2, &options);
  handle = tk_stream_push(L);
  /* The engine is checked again, because a finalizer may have closed it while memory was allocated. */
  handle->stream = tk_stream_open(check_engine(L), &options, message);
  if (handle->stream == NULL) return luaL_error(L, "%s", message);
  return 1;
}

static int engine_tostring(lua_State *L) {
  const engine_handle *handle = check_handle(L);
  if (handle->engine == NULL) lua_pushliteral(L, ENGINE " (closed)");
  else lua_pushfstring(L, "%s (%d in flight)", ENGINE, tk_engine_pending(handle->engine));
  return 1;
}

static const luaL_Reg methods[] = {
  {"start", engine_start},   {"step", engine_step},       {"wait", engine_wait}, {"finished", engine_finished},
  {"alarm", engine_alarm},   {"pending", engine_pending}, {"fd", engine_fd},     {"timeout", engine_timeout},
  {"usable", engine_usable}, {"close", engine_close},     {"stream", engine_stream}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
  {"__gc", engine_close}, {"__close", engine_close}, {"__tostring", engine_tostring}, {NULL, NULL}};

void tk_engine_open(lua_State *L) {
  luaL_newmetatable(L, ENGINE);
  tk_setmethods(L, metamethods, lua_gettop(L));
  lua_newtable(L);
  tk_setmethods(L, methods, lua_gettop(L) - 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);

  luaL_newmetatable(L, TRANSFERS);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_pop(L, 1);

  lua_pushcfunction(L, engine_new);
  lua_setfield(L, -2, "engine");
}

