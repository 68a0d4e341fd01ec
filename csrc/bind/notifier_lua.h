/* The notifier as a Lua object. */
#ifndef TK_NOTIFIER_LUA_H
#define TK_NOTIFIER_LUA_H

#include "bind/compat.h"

/* Sets the function `notifier` in the table on top of the stack. */
void tk_notifier_open(lua_State *L);

#endif
