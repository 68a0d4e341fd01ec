#ifndef TK_RESULT_H
#define TK_RESULT_H

#include "compat.h"
#include "engine.h"

/* Pushes the table that `transfer:result` in core.c describes; everything is copied. */
void tk_push_result(lua_State *L, const tk_result *result);

#endif
