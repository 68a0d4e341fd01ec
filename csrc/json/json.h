/*
 * Converts JSON text to Lua values and back.
 *
 * Objects are plain tables. Arrays are tables with the array metatable, so that an empty array stays an array. null is
 * the light userdata NULL, as in lua-cjson and nginx. All state is kept in the lua_State.
 *
 * The lua-cjson of OpenResty has marks for arrays as well: array_mt, which is then our array metatable, empty_array_mt,
 * which counts for empty tables only, and empty_array, a value. All other versions of lua-cjson have none of them.
 */
#ifndef TK_JSON_H
#define TK_JSON_H

#include "bind/compat.h"
#include "json/limits.h"

/* Sets json, null, array, is_array, is_object, decode, load_decoder, encode and encode_member in the table on top of the
   stack. Raises if lua-cjson does not load; the message says what to install. */
void tk_json_open(lua_State *L);

/* Decodes a text as core.decode does. Pushes the value and returns 1, or pushes nil and a message and returns 2. The
   caller owns `text` and keeps it until this returns or raises. `capacity` is the number of readable bytes at `text`.
   If it is at least `size` + TK_JSON_PADDING, simdjson reads the text in place, and else a copy; the bytes after the
   text do not matter. */
int tk_json_decode(lua_State *L, const char *text, size_t size, size_t capacity);

/* Decodes a text likewise, but makes only the value of the member `name` of the object that the text is; of several
   members of that name, of the last. Returns 1, or pushes nothing and returns 0 if there is none, or the text is not
   JSON. Sets *has_numbers to 0 if it is sure that no first name in an object of the value begins with a digit. */
int tk_json_decode_member(lua_State *L, const char *text, size_t size, size_t capacity, const char *name,
                          int *has_numbers);

/* Counts the keys of the table at stack index `table`. If all keys are among 1 to `length`, returns their number; if
   that is `length`, there are no holes. Otherwise returns -1 and pushes one of the other keys. */
lua_Integer tk_json_count(lua_State *L, int table, lua_Integer length);

/* Whether the table on top of the stack is marked as an array. `array` and `empty_array` are the stack indices of the
   metatables that mark it; the latter is nil if lua-cjson has none. */
int tk_json_is_marked(lua_State *L, int array, int empty_array);

/* Replaces the value on top of the stack by its member `name`, and returns 1. If it has none, pops the value and returns
   0. */
int tk_json_keep_member(lua_State *L, const char *name);

/* Pushes a number as an integer or a float, by the rule of core.decode. 1: this changed its type or its sign. */
int tk_json_push_number(lua_State *L, double number);

/* Parts of tk_json_open. Each replaces the array metatable on top of the stack by a function: the decoder of this
   build, and the decoder that only uses lua-cjson. */
void tk_json_push_decode(lua_State *L);
void tk_json_push_cjson(lua_State *L);

/* Another part: pushes core.load_decoder, which loads now what decode would load later, and returns the name of the
   decoder that is used from then on. */
void tk_json_push_load(lua_State *L);

/* Another part: replaces three values on top of the stack by the functions encode_member and encode. They are the array
   metatable, and lua-cjson's empty_array_mt and empty_array, or nil. */
void tk_json_push_encode(lua_State *L);

/* Pushes the module cjson.safe. Raises if it does not load; the message says what to install. */
void tk_json_require_cjson(lua_State *L);

/* The decoder of this build: "simdjson" or "cjson". */
const char *tk_json_decoder(void);

#endif
