/* Makes Lua values of what simdjson has parsed. */
#ifndef TK_JSON_TAPE_H
#define TK_JSON_TAPE_H

#include "bind/compat.h"
#include "json/parser.h"

/* Pushes what is kept from one tape to the next: short strings, as a userdata and a table. */
void tk_json_push_kept(lua_State *L);

/* Pushes the value of a tape, or only that of its member `member`, if it is not NULL, and returns 1. Of several members
   of that name it is the last. 0: there is none; nothing is pushed. Sets *has_numbers to whether the first name in some
   object of the value begins with a digit, as in a list of PHP's that has become an object. `array` is the index of the
   array metatable; `kept` is the stack index of the userdata that tk_json_push_kept made, and its table is above it. Lua
   may run finalizers meanwhile; they must not parse with the parser that owns the tape. */
int tk_json_push_tape(lua_State *L, int array, int kept, const tk_tape *tape, const char *member, int *has_numbers);

#endif
