/*
 * JSON text to Lua values and back.
 *
 * Objects are plain tables. Arrays are tables with the array metatable, so that an empty one stays an array. null is
 * the light userdata NULL, as lua-cjson's and nginx's. Nothing is kept outside the lua_State.
 */
#ifndef TK_JSON_H
#define TK_JSON_H

#include "compat.h"

/* How deep arrays and objects may nest, both ways: it bounds the recursion in C. */
#define TK_JSON_DEPTH 64

/* Sets null, array, is_array, decode and encode in the table on top of the stack. Raises, saying what to install, if
   lua-cjson does not load. */
void tk_json_open(lua_State *L);

/* The number of keys of the table at `table` if all are among 1 to `length`; there are no holes if it is `length`.
   Otherwise -1, and a key that is not among them is pushed. */
lua_Integer tk_json_count(lua_State *L, int table, lua_Integer length);

/* Parts of tk_json_open. Both replace the array metatable on top of the stack by their function. */
void tk_json_push_decode(lua_State *L);
void tk_json_push_encode(lua_State *L);

#endif
