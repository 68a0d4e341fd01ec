/***
The notifier as a Lua object, for hosts whose event loop can only read connections, such as nginx.
@submodule timekit.core
*/
#include "bind/notifier_lua.h"

#include "engine/notifier.h"

#define NOTIFIER "timekit.notifier"

/* The userdata owns the notifier; NULL: it was closed. */
typedef struct notifier_handle {
  tk_notifier *notifier;
} notifier_handle;

static notifier_handle *check_handle(lua_State *L) { return (notifier_handle *)luaL_checkudata(L, 1, NOTIFIER); }

static tk_notifier *check_notifier(lua_State *L) {
  notifier_handle *handle = check_handle(L);
  if (handle->notifier == NULL) luaL_error(L, "attempt to use a closed notifier");
  return handle->notifier;
}

static int check_fd(lua_State *L) {
  lua_Integer fd = luaL_checkinteger(L, 2);
  luaL_argcheck(L, fd >= 0 && fd <= 0x7fffffff, 2, "expected a file descriptor");
  return (int)fd;
}

/* Pushes true, or nil and the message. */
static int answer(lua_State *L, int success, const char *message) {
  if (success) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

/***
Makes a notifier, which watches descriptors and writes a line to a unix connection when one is readable.
@function notifier
@treturn notifier|nil nil on failure: it needs epoll and a folder for temporary files
@treturn string the reason of a failure
*/
static int notifier_new(lua_State *L) {
  char message[TK_NOTIFIER_MESSAGE_SIZE];
  notifier_handle *handle = (notifier_handle *)lua_newuserdata(L, sizeof *handle);
  handle->notifier = NULL;
  tk_setmetatable(L, NOTIFIER);
  handle->notifier = tk_notifier_new(message);
  return handle->notifier != NULL ? 1 : answer(L, 0, message);
}

/***
The path of the socket to connect to. One connection can be made.
@function notifier:path
@treturn string the path; empty once the connection was accepted
*/
static int notifier_path(lua_State *L) {
  lua_pushstring(L, tk_notifier_path(check_notifier(L)));
  return 1;
}

/***
Accepts the connection, removes the socket's file and starts the thread. It does not wait for a connection.
@function notifier:accept
@treturn true|nil nil on failure, such as when nobody has connected
@treturn string the reason of a failure
*/
static int notifier_accept(lua_State *L) {
  char message[TK_NOTIFIER_MESSAGE_SIZE];
  int success = tk_notifier_accept(check_notifier(L), message);
  return answer(L, success, message);
}

/***
Watches a descriptor until it is readable, once. Its number is then written as a line.
@function notifier:watch
@tparam integer fd
@treturn boolean false on failure
*/
static int notifier_watch(lua_State *L) {
  tk_notifier *notifier = check_notifier(L);
  lua_pushboolean(L, tk_notifier_watch(notifier, check_fd(L)));
  return 1;
}

/***
Stops watching a descriptor. Its line may still come if it was readable just before.
@function notifier:unwatch
@tparam integer fd
*/
static int notifier_unwatch(lua_State *L) {
  tk_notifier *notifier = check_notifier(L);
  tk_notifier_unwatch(notifier, check_fd(L));
  return 0;
}

/***
Writes the line `-1`, which wakes the reader.
@function notifier:ring
*/
static int notifier_ring(lua_State *L) {
  tk_notifier_ring(check_notifier(L));
  return 0;
}

/***
Whether the connection is open. It is not before `accept`, once the other end has closed it, or in a forked child.
@function notifier:connected
@treturn boolean
*/
static int notifier_connected(lua_State *L) {
  lua_pushboolean(L, tk_notifier_connected(check_notifier(L)));
  return 1;
}

/***
Ends the thread and the connection. Closing again does nothing.
@function notifier:close
*/
static int notifier_close(lua_State *L) {
  notifier_handle *handle = check_handle(L);
  tk_notifier *notifier = handle->notifier;
  handle->notifier = NULL;
  tk_notifier_free(notifier);
  return 0;
}

static int notifier_tostring(lua_State *L) {
  const notifier_handle *handle = check_handle(L);
  lua_pushfstring(L, "%s (%s)", NOTIFIER, handle->notifier == NULL ? "closed" : "open");
  return 1;
}

static const luaL_Reg methods[] = {
  {"path", notifier_path}, {"accept", notifier_accept},       {"watch", notifier_watch}, {"unwatch", notifier_unwatch},
  {"ring", notifier_ring}, {"connected", notifier_connected}, {"close", notifier_close}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
  {"__gc", notifier_close}, {"__close", notifier_close}, {"__tostring", notifier_tostring}, {NULL, NULL}};

void tk_notifier_open(lua_State *L) {
  luaL_newmetatable(L, NOTIFIER);
  tk_setfuncs(L, metamethods);
  lua_newtable(L);
  tk_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, notifier_new);
  lua_setfield(L, -2, "notifier");
}
