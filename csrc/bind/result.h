/* Makes Lua values of a transfer's result, field by field. */
#ifndef TK_RESULT_H
#define TK_RESULT_H

#include "bind/compat.h"
#include "engine/engine.h"

/* The fields that `transfer:result` in transfer_lua.c documents. From TK_FIELD_HEADERS on they are expensive to
   make. */
typedef enum tk_field {
  TK_FIELD_REASON, TK_FIELD_CODE, TK_FIELD_TEXT, TK_FIELD_STATUS, TK_FIELD_SENT, TK_FIELD_REUSED, TK_FIELD_RESTARTS,
  TK_FIELD_HTTP_VERSION, TK_FIELD_HEADERS, TK_FIELD_BODY, TK_FIELD_TIMES, TK_FIELD_FAILURE,
  TK_FIELDS
} tk_field;

/* Whether the value of a field is a table or a long string, which is kept once it was made. */
#define TK_FIELD_IS_KEPT(field) ((field) >= TK_FIELD_HEADERS)

const char *tk_field_name(tk_field field);

/* Pushes a field's value, copied from the result; nil if the result has none. */
void tk_push_field(lua_State *L, const tk_result *result, tk_field field);

/* In lower case. */
typedef struct tk_header_name {
  const char *text;
  size_t size;
} tk_header_name;

/* Pushes the value of each of these headers, or nil. Several headers of one name are joined. One pass reads all. */
void tk_push_headers(lua_State *L, const tk_result *result, const tk_header_name *names, int count);

#endif
