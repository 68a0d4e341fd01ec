/* HMAC-SHA256 and a comparison in constant time, as functions for Lua. */
#ifndef TK_HMAC_H
#define TK_HMAC_H

#include "bind/compat.h"

/* Sets the functions `hmac_sha256` and `equal` in the table on top of the stack. */
void tk_hmac_open(lua_State *L);

#endif
