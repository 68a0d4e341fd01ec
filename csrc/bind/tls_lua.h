/* The files of a client's TLS, for engines. */
#ifndef TK_TLS_LUA_H
#define TK_TLS_LUA_H

#include "bind/compat.h"
#include "engine/engine.h"

/* Sets the function `tls` in the table on top of the stack. */
void tk_tls_open(lua_State *L);

/* Read fields of the options at `index`: the names of files, and `tls`, NULL if there is none. They push what they
   return, which keeps it valid. They raise on a wrong field, naming it. */
void tk_tls_get_files(lua_State *L, int index, tk_tls_files *files);
tk_tls *tk_tls_get(lua_State *L, int index);

#endif
