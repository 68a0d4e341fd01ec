/* A transfer, and its result, as a Lua object. */
#ifndef TK_TRANSFER_LUA_H
#define TK_TRANSFER_LUA_H

#include "bind/compat.h"
#include "engine/engine.h"

/* The userdata. It owns the transfer; NULL: it was not started yet, or it was released. */
typedef struct tk_transfer_handle {
  tk_transfer *transfer;
  int has_kept;    /* the user value is a table with fields of the result */
  int readers;     /* functions that are reading the result; too high by one for each that raised an error */
  int is_released; /* it was released while somebody was reading; the last reader frees it */
} tk_transfer_handle;

/* Makes the class of transfers, and sets the function `answer` in the table on top of the stack. */
void tk_transfer_open(lua_State *L);

/* Pushes a userdata without a transfer; the caller starts one and sets it. */
tk_transfer_handle *tk_transfer_push(lua_State *L);

#endif
