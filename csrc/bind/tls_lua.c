/***
The part of timekit.core that reads the files of a client's TLS.
@submodule timekit.core
*/
#include "bind/tls_lua.h"

#include "bind/fields.h"

#define TLS "timekit.tls"

typedef struct tls_handle {
  tk_tls *tls;
} tls_handle;

void tk_tls_get_files(lua_State *L, int index, tk_tls_files *files) {
  files->ca_file = tk_string_field(L, index, "ca_file", NULL);
  files->cert_file = tk_string_field(L, index, "cert_file", NULL);
  files->key_file = tk_string_field(L, index, "key_file", NULL);
  files->key_password = tk_string_field(L, index, "key_password", NULL);
}

tk_tls *tk_tls_get(lua_State *L, int index) {
  tls_handle *handle = NULL;
  lua_getfield(L, index, "tls");
  if (!lua_isnil(L, -1)) {
    int is_ours = 0;
    handle = (tls_handle *)lua_touserdata(L, -1);
    if (handle != NULL && lua_getmetatable(L, -1)) {
      luaL_getmetatable(L, TLS);
      is_ours = lua_rawequal(L, -1, -2);
      lua_pop(L, 2);
    }
    if (!is_ours) luaL_error(L, "tls: expected what core.tls returns, got %s", luaL_typename(L, -1));
  }
  return handle == NULL ? NULL : handle->tls;
}

/***
Reads the files of a client's TLS, once. Engines that get the result as their option `tls` do not need the files: they
may be made after a chroot, a fork or a change of user. The result holds no descriptor. Raises when something is wrong
with a file, naming the option and the file, never the password.
@function tls
@tparam table options `ca_file` (certificates to trust instead of the system's), `cert_file` (the client's certificate
and those that lead to its root), `key_file` (its key, in `cert_file` by default), `key_password`; all PEM
@treturn userdata
@usage local tls = core.tls { ca_file = "/etc/company/ca.pem" }
*/
static int tls_new(lua_State *L) {
  char message[TK_MESSAGE_SIZE];
  tk_tls_files files;
  tls_handle *handle;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  tk_tls_get_files(L, 1, &files);
  handle = (tls_handle *)lua_newuserdata(L, sizeof *handle);
  handle->tls = NULL;
  tk_setmetatable(L, TLS);
  handle->tls = tk_tls_new(&files, message);
  return handle->tls != NULL ? 1 : luaL_error(L, "%s", message);
}

static int tls_gc(lua_State *L) {
  tls_handle *handle = (tls_handle *)luaL_checkudata(L, 1, TLS);
  tk_tls_free(handle->tls);
  handle->tls = NULL;
  return 0;
}

/* A finalizer may meet one that has been freed. */
static int tls_tostring(lua_State *L) {
  const tls_handle *handle = (const tls_handle *)luaL_checkudata(L, 1, TLS);
  lua_pushstring(L, handle->tls == NULL ? TLS " (freed)" : TLS);
  return 1;
}

static const luaL_Reg metamethods[] = {{"__gc", tls_gc}, {"__tostring", tls_tostring}, {NULL, NULL}};

void tk_tls_open(lua_State *L) {
  luaL_newmetatable(L, TLS);
  tk_setfuncs(L, metamethods);
  lua_pop(L, 1);
  lua_pushcfunction(L, tls_new);
  lua_setfield(L, -2, "tls");
}
