/* SHA-256 of a text that comes in parts. */
#ifndef TK_DIGEST_H
#define TK_DIGEST_H

#include "bind/compat.h"

/* Sets `sha256` in the table on top of the stack. */
void tk_digest_open(lua_State *L);

#endif
