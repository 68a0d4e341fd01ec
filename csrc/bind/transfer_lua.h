#ifndef TK_TRANSFER_LUA_H
#define TK_TRANSFER_LUA_H

#include "bind/compat.h"
#include "engine/engine.h"

/* A transfer as a userdata. It has none before it was started, and once it was released. */
typedef struct tk_transfer_handle {
  tk_transfer *transfer;
  int has_kept; /* its user value holds fields of its result */
  int readers;  /* functions that are reading its result; where one raised, it stays one too many */
  int is_released; /* while it was read: the last reader frees it */
} tk_transfer_handle;

/* Makes the class of transfers, once tk_json_open was called. */
void tk_transfer_open(lua_State *L);

/* Pushes a userdata whose transfer is still to be started. */
tk_transfer_handle *tk_transfer_push(lua_State *L);

#endif
