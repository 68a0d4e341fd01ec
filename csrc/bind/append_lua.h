/* The file of a journal as a Lua object. */
#ifndef TK_APPEND_LUA_H
#define TK_APPEND_LUA_H

#include "bind/compat.h"

/* Sets `append` and `is_same_file` in the table on top of the stack. */
void tk_append_open_lua(lua_State *L);

#endif
