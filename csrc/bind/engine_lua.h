/* The engine as a Lua object. */
#ifndef TK_ENGINE_LUA_H
#define TK_ENGINE_LUA_H

#include "bind/compat.h"

/* Makes the class of engines, and sets the function `engine` in the table on top of the stack. */
void tk_engine_open(lua_State *L);

#endif
