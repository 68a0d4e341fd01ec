/* Percent-encoding as a function for Lua. */
#ifndef TK_ESCAPE_H
#define TK_ESCAPE_H

#include "bind/compat.h"

/* Sets the function `escape` in the table on top of the stack. */
void tk_escape_open(lua_State *L);

#endif
