#ifndef TK_JSON_TAPE_H
#define TK_JSON_TAPE_H

#include "bind/compat.h"
#include "json/parser.h"

/* Pushes the value of a tape. `array` is where the array metatable is. The tape has to outlive any code that Lua may
   run meanwhile, finalizers for instance. The stack must have room for two values for each level of nesting, and a
   few. */
void tk_json_push_tape(lua_State *L, int array, const tk_tape *tape);

#endif
