/***
The signing part of timekit.core.
@submodule timekit.core
*/
#include "bind/hmac_lua.h"

#include "bind/hmac.h"

/* A number would be taken for its digits: what is signed and compared is told apart by its type. */
static const char *check_text(lua_State *L, int index, size_t *size) {
  luaL_checktype(L, index, LUA_TSTRING);
  return lua_tolstring(L, index, size);
}

/***
The HMAC-SHA256 of a text.
@function hmac_sha256
@tparam string key any bytes
@tparam string text any bytes
@treturn string 32 bytes, raw
@raise an argument is no string, or libcrypto cannot do it: for want of memory, or by a policy of the machine's
*/
static int hmac_sha256(lua_State *L) {
  unsigned char digest[TK_HMAC_SIZE];
  size_t key_size, text_size;
  const char *key = check_text(L, 1, &key_size);
  const char *text = check_text(L, 2, &text_size);
  if (!tk_hmac_sha256(key, key_size, text, text_size, digest))
    return luaL_error(L, "libcrypto could not compute an HMAC-SHA256 (not enough memory, or a policy forbids it)");
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/***
Whether two strings are the same, in a time that depends on their lengths only.
@function equal
@tparam string a any bytes
@tparam string b any bytes
@treturn boolean
@raise an argument is no string
*/
static int equal(lua_State *L) {
  size_t a_size, b_size;
  const char *a = check_text(L, 1, &a_size);
  const char *b = check_text(L, 2, &b_size);
  lua_pushboolean(L, tk_equal(a, a_size, b, b_size));
  return 1;
}

void tk_hmac_open(lua_State *L) {
  lua_pushcfunction(L, hmac_sha256);
  lua_setfield(L, -2, "hmac_sha256");
  lua_pushcfunction(L, equal);
  lua_setfield(L, -2, "equal");
}
