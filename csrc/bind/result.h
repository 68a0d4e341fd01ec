#ifndef TK_RESULT_H
#define TK_RESULT_H

#include "bind/compat.h"
#include "engine/engine.h"

/* What `transfer:result` in transfer_lua.c describes. */
typedef enum tk_field {
  TK_FIELD_REASON, TK_FIELD_CODE, TK_FIELD_TEXT, TK_FIELD_STATUS, TK_FIELD_SENT, TK_FIELD_REUSED, TK_FIELD_RESTARTS,
  TK_FIELD_HTTP_VERSION, TK_FIELD_HEADERS, TK_FIELD_BODY, TK_FIELD_TIMES, TK_FIELD_FAILURE,
  TK_FIELDS
} tk_field;

/* Whether a field is made anew each time it is pushed, so that it is worth keeping. */
#define TK_FIELD_IS_MADE(field) ((field) >= TK_FIELD_HEADERS)

const char *tk_field_name(tk_field field);

/* Pushes a field, copied from the result; nil where the result has none. */
void tk_push_field(lua_State *L, const tk_result *result, tk_field field);

/* Pushes the value of a header, of all that bear the name, or nil. `name`: in lower case. */
void tk_push_header(lua_State *L, const tk_result *result, const char *name, size_t size);

#endif
