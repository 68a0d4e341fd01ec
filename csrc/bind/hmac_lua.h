/* HMAC-SHA256 and the comparison in constant time for Lua. */
#ifndef TK_HMAC_LUA_H
#define TK_HMAC_LUA_H

#include "bind/compat.h"

/* Sets the functions `hmac_sha256` and `equal` in the table on top of the stack. */
void tk_hmac_open(lua_State *L);

#endif
