/***
A stream of bytes to another server than Timekit. `engine:stream` opens it; the engine's steps move it on.
@submodule timekit.core
*/
#include "bind/stream_lua.h"

#include "bind/fields.h"

#define STREAM "timekit.stream"

static tk_stream_handle *check_handle(lua_State *L) { return (tk_stream_handle *)tk_checkudata(L, STREAM); }

static tk_stream *check_stream(lua_State *L) {
  tk_stream_handle *handle = check_handle(L);
  if (handle->stream == NULL) luaL_error(L, "attempt to use a closed stream");
  return handle->stream;
}

void tk_stream_get_options(lua_State *L, int index, tk_stream_options *options) {
  options->url = tk_required_string(L, index, "url");
  options->unix_path = tk_string_field(L, index, "unix_path", NULL);
  options->ca_file = tk_string_field(L, index, "ca_file", NULL);
  options->connect_timeout = tk_positive_field(L, index, "connect_timeout", 10);
  options->max_input = tk_size_field(L, index, "max_input", 8.0 * 1024 * 1024);
}

tk_stream_handle *tk_stream_push(lua_State *L) {
  tk_stream_handle *handle = (tk_stream_handle *)lua_newuserdata(L, sizeof *handle);
  handle->stream = NULL;
  handle->taken.data = NULL;
  handle->taken.size = handle->taken.capacity = 0;
  tk_setmetatable(L, STREAM);
  return handle;
}

/***
How far the stream has come.
@function stream:state
@treturn string `"connecting"`, `"open"` or `"over"`
@treturn ?string once it is over, why
@raise the stream was closed
*/
static int stream_state(lua_State *L) {
  static const char *const names[] = {"connecting", "open", "over"};
  const tk_stream *stream = check_stream(L);
  tk_stream_state state = tk_stream_where(stream);
  lua_pushstring(L, names[state]);
  if (state != TK_STREAM_OVER) return 1;
  lua_pushstring(L, tk_stream_problem(stream));
  return 2;
}

/***
Sends bytes. What the kernel does not take at once goes out in later steps of the engine.
@function stream:send
@tparam string bytes
@treturn boolean false: the stream is over
@raise the stream was closed
*/
static int stream_send(lua_State *L) {
  tk_stream *stream = check_stream(L);
  size_t size;
  const char *bytes = luaL_checklstring(L, 2, &size);
  lua_pushboolean(L, tk_stream_write(stream, bytes, size));
  return 1;
}

/***
The number of bytes that have left this process.
@function stream:written
@treturn number
@raise the stream was closed
*/
static int stream_written(lua_State *L) {
  lua_pushnumber(L, (lua_Number)tk_stream_written(check_stream(L)));
  return 1;
}

/***
What has come since the last call.
@function stream:receive
@treturn string|nil nil: nothing
@raise the stream was closed; or memory runs out, and then the stream gives nothing more
*/
static int stream_receive(lua_State *L) {
  tk_stream *stream = check_stream(L);
  tk_stream_handle *handle = (tk_stream_handle *)lua_touserdata(L, 1);
  size_t size;
  (void)tk_stream_input(stream, &size);
  if (size == 0 || handle->taken.size > 0) return 0;
  /* Making a string may run the collector, and a finalizer may step the engine or close the stream. So the bytes are
     taken out of its reach before. */
  tk_stream_take(stream, &handle->taken);
  lua_pushlstring(L, handle->taken.data, handle->taken.size);
  tk_buffer_clear(&handle->taken);
  return 1;
}

/***
Closes the connection. Closing again does nothing.
@function stream:close
*/
static int stream_close(lua_State *L) {
  tk_stream_handle *handle = check_handle(L);
  tk_stream *stream = handle->stream;
  handle->stream = NULL;
  tk_stream_free(stream);
  return 0;
}

static int stream_collect(lua_State *L) {
  tk_stream_handle *handle = check_handle(L);
  (void)stream_close(L);
  tk_buffer_free(&handle->taken);
  return 0;
}

static int stream_tostring(lua_State *L) {
  static const char *const names[] = {"connecting", "open", "over"};
  const tk_stream_handle *handle = check_handle(L);
  lua_pushfstring(L, STREAM " (%s)", handle->stream == NULL ? "closed" : names[tk_stream_where(handle->stream)]);
  return 1;
}

static const luaL_Reg methods[] = {{"state", stream_state},     {"send", stream_send},   {"written", stream_written},
                                   {"receive", stream_receive}, {"close", stream_close}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
  {"__gc", stream_collect}, {"__close", stream_close}, {"__tostring", stream_tostring}, {NULL, NULL}};

void tk_stream_class(lua_State *L) {
  luaL_newmetatable(L, STREAM);
  tk_setmethods(L, metamethods, lua_gettop(L));
  lua_newtable(L);
  tk_setmethods(L, methods, lua_gettop(L) - 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
