/* What the program `timekit` needs of its process. */
#ifndef TK_PROGRAM_H
#define TK_PROGRAM_H

#include "bind/compat.h"

/* Sets the table `program` in the table on top of the stack. */
void tk_program_open(lua_State *L);

#endif
