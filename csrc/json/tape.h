/* Makes Lua values of what simdjson has parsed. */
#ifndef TK_JSON_TAPE_H
#define TK_JSON_TAPE_H

#include "bind/compat.h"
#include "json/parser.h"

/* Pushes the value of a tape. `array` is the stack index of the array metatable. Lua may run finalizers meanwhile;
   they must not parse with the parser that owns the tape. */
void tk_json_push_tape(lua_State *L, int array, const tk_tape *tape);

#endif
