/*
 * JSON text to Lua values and back.
 *
 * Objects are plain tables. Arrays are tables with the array metatable, so that an empty one stays an array. null is
 * the light userdata NULL, as lua-cjson's and nginx's. Nothing is kept outside the lua_State.
 */
#ifndef TK_JSON_H
#define TK_JSON_H

#include "bind/compat.h"
#include "json/limits.h"

/* Sets json, null, array, is_array, decode and encode in the table on top of the stack. Raises, saying what to install,
   if lua-cjson does not load. */
void tk_json_open(lua_State *L);

/* What core.decode makes of a text, pushed: 1, a value; or 2, nil and a message. `capacity` bytes from `text` on, at
   least `size`, are readable and stay so until this returns or raises. Where simdjson is there they are read in place
   if `capacity` is TK_JSON_PADDING more than `size`; what the bytes behind the text are does not matter. Takes no
   reference. */
int tk_json_decode(lua_State *L, const char *text, size_t size, size_t capacity);

/* The number of keys of the table at `table` if all are among 1 to `length`; there are no holes if it is `length`.
   Otherwise -1, and a key that is not among them is pushed. */
lua_Integer tk_json_count(lua_State *L, int table, lua_Integer length);

/* Pushes a number as the type that belongs to it: see decode. 1 if it is not pushed as it came. */
int tk_json_push_number(lua_State *L, double number);

/* Parts of tk_json_open. All replace the array metatable on top of the stack by their function; that of the third is
   decode by lua-cjson alone. */
void tk_json_push_decode(lua_State *L);
void tk_json_push_encode(lua_State *L);
void tk_json_push_cjson(lua_State *L);

/* "simdjson" or "cjson": who decodes in this build. */
const char *tk_json_decoder(void);

#endif
