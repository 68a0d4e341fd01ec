/* Paths and percent-encoding as functions for Lua. */
#ifndef TK_ESCAPE_H
#define TK_ESCAPE_H

#include "bind/compat.h"

/* Sets the functions `escape`, `segment` and `path` in the table on top of the stack. */
void tk_escape_open(lua_State *L);

#endif
