/***
Percent-encoding.
@submodule timekit.core
*/
#include "bind/escape.h"

/* The unreserved characters of RFC 3986, 2.3. Not isalnum, which depends on the locale. */
static int is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/***
Percent-encodes all bytes of a text except the unreserved characters (RFC 3986, 2.3).
@function escape
@tparam string text
@treturn string
@usage core.escape "a/b"   --> "a%2Fb"
*/
static int escape(lua_State *L) {
  static const char digits[] = "0123456789ABCDEF";
  size_t size, i;
  const char *text = luaL_checklstring(L, 1, &size);
  luaL_Buffer buffer;
  lua_settop(L, 1);
  for (i = 0; i < size && is_unreserved(text[i]); i++) continue;
  if (i == size) return 1;
  luaL_buffinit(L, &buffer);
  luaL_addlstring(&buffer, text, i);
  for (; i < size; i++) {
    if (is_unreserved(text[i])) {
      luaL_addchar(&buffer, text[i]);
    } else {
      luaL_addchar(&buffer, '%');
      luaL_addchar(&buffer, digits[(unsigned char)text[i] >> 4]);
      luaL_addchar(&buffer, digits[(unsigned char)text[i] & 15]);
    }
  }
  luaL_pushresult(&buffer);
  return 1;
}

void tk_escape_open(lua_State *L) {
  lua_pushcfunction(L, escape);
  lua_setfield(L, -2, "escape");
}
