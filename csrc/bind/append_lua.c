/***
The file of a journal as a Lua object. What Lua's own files lack: each write reaches the system at once, a lock, and
waiting for the disk.
@submodule timekit.core
*/
#include "bind/append_lua.h"

#include "engine/append.h"

#include <errno.h>
#include <string.h>

#define APPEND "timekit.append"

/* -1: it was closed. */
typedef struct append_handle {
  int fd;
} append_handle;

static append_handle *check_handle(lua_State *L) { return (append_handle *)luaL_checkudata(L, 1, APPEND); }

static int check_fd(lua_State *L) {
  const append_handle *handle = check_handle(L);
  if (handle->fd < 0) luaL_error(L, "attempt to use a closed file");
  return handle->fd;
}

/* Pushes true, or nil and what the system says. */
static int answer(lua_State *L, int result) {
  int problem = errno;
  if (result == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(problem));
  return 2;
}

/***
Opens a regular file, at whose end lines are to be added, and makes it if there is none.
@function append
@tparam string path
@treturn append|nil nil on failure
@treturn ?string the reason of a failure
*/
static int append_new(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  append_handle *handle = (append_handle *)lua_newuserdata(L, sizeof *handle);
  handle->fd = -1;
  tk_setmetatable(L, APPEND);
  handle->fd = tk_append_open(path);
  if (handle->fd >= 0) return 1;
  if (errno != EINVAL) return answer(L, -1);
  lua_pushnil(L);
  lua_pushliteral(L, "not a regular file");
  return 2;
}

/***
Locks the file until it is closed, also by the end of the process.
@function append:lock
@treturn boolean|nil false: another process has locked it; nil on failure
@treturn ?string the reason of a failure
*/
static int append_lock(lua_State *L) {
  if (tk_append_lock(check_fd(L)) == 0) return answer(L, 0);
  if (errno != EWOULDBLOCK) return answer(L, -1);
  lua_pushboolean(L, 0);
  return 1;
}

/***
Adds a text. It has reached the system when this returns: the end of the process cannot lose it any more.
@function append:write
@tparam string text
@treturn true|nil nil on failure; some of the text may be in the file then
@treturn ?string the reason of a failure
*/
static int append_write(lua_State *L) {
  size_t size;
  int fd = check_fd(L);
  const char *text = luaL_checklstring(L, 2, &size);
  return answer(L, tk_append_write(fd, text, size));
}

/***
Waits until the file is on the disk, so that a power cut cannot lose it any more.
@function append:sync
@treturn true|nil nil on failure
@treturn ?string the reason of a failure
*/
static int append_sync(lua_State *L) { return answer(L, tk_append_sync(check_fd(L))); }

/***
The same for the file's name, once the file was made.
@function append:sync_name
@tparam string path the one that it was opened with
@treturn true|nil nil on failure
@treturn ?string the reason of a failure
*/
static int append_sync_name(lua_State *L) {
  (void)check_fd(L);
  return answer(L, tk_append_sync_name(luaL_checkstring(L, 2)));
}

/***
Cuts the file.
@function append:cut
@tparam number size bytes that stay
@treturn true|nil nil on failure
@treturn ?string the reason of a failure
*/
static int append_cut(lua_State *L) {
  int fd = check_fd(L);
  lua_Number size = luaL_checknumber(L, 2);
  luaL_argcheck(L, size >= 0, 2, "expected a number of bytes");
  return answer(L, tk_append_cut(fd, (double)size));
}

/***
Closes the file. Closing again does nothing.
@function append:close
@treturn true|nil nil on failure
@treturn ?string the reason of a failure
*/
static int append_close(lua_State *L) {
  append_handle *handle = check_handle(L);
  int fd = handle->fd;
  handle->fd = -1;
  return answer(L, fd < 0 ? 0 : tk_append_close(fd));
}

/***
Whether two paths lead to the same file.
@function is_same_file
@tparam string one
@tparam string other
@treturn boolean false also if one of them leads to none
*/
static int is_same_file(lua_State *L) {
  const char *one = luaL_checkstring(L, 1), *other = luaL_checkstring(L, 2);
  lua_pushboolean(L, tk_append_is_same(one, other));
  return 1;
}

static const luaL_Reg methods[] = {
  {"lock", append_lock}, {"write", append_write}, {"sync", append_sync}, {"sync_name", append_sync_name},
  {"cut", append_cut},   {"close", append_close}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", append_close}, {"__close", append_close}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"append", append_new}, {"is_same_file", is_same_file}, {NULL, NULL}};

void tk_append_open_lua(lua_State *L) {
  luaL_newmetatable(L, APPEND);
  tk_setfuncs(L, metamethods);
  lua_newtable(L);
  tk_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  tk_setfuncs(L, functions);
}
