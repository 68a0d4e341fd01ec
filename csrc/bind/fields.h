/* Reads the fields of the option tables that Lua passes. Each function raises an error that names the field. */
#ifndef TK_FIELDS_H
#define TK_FIELDS_H

#include "bind/compat.h"

/* The string field `name` of the table at `index`; NULL: the field is nil. With `size` the string may contain NUL.
   Pushes the field, which keeps the string valid: a finalizer may take it out of the table at any allocation. */
const char *tk_string_field(lua_State *L, int index, const char *name, size_t *size);

/* The same for a field that must not be nil, without NUL. */
const char *tk_required_string(lua_State *L, int index, const char *name);

/* A positive number; `missing` if the field is nil. */
double tk_positive_field(lua_State *L, int index, const char *name, double missing);

/* A positive number of bytes; `missing` if the field is nil. */
size_t tk_size_field(lua_State *L, int index, const char *name, double missing);

/* Makes "Name: value" lines of the map in the field `headers`. Returns an array of *count lines; NULL if there are
   none. Pushes two values; the lines are valid while these stay on the stack. */
const char *const *tk_header_lines(lua_State *L, int index, size_t *count);

/* Whether the field `headers` holds `Content-Type: application/json` and nothing else, as most requests with a
   body. */
int tk_is_json(lua_State *L, int index);

#endif
