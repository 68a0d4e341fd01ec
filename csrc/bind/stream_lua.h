/* Streams as Lua objects. */
#ifndef TK_STREAM_LUA_H
#define TK_STREAM_LUA_H

#include "bind/compat.h"
#include "engine/stream.h"

/* The userdata. It owns the stream; NULL: it was not opened yet, or it was closed. */
typedef struct tk_stream_handle {
  tk_stream *stream;
  tk_buffer taken; /* what `receive` is making a string of */
} tk_stream_handle;

/* Makes the class of streams. */
void tk_stream_class(lua_State *L);

/* Reads the options at `index`. Pushes what they point to, which keeps it valid. Raises on a wrong field, naming it. */
void tk_stream_get_options(lua_State *L, int index, tk_stream_options *options);

/* Pushes a userdata without a stream; the caller opens one and sets it. */
tk_stream_handle *tk_stream_push(lua_State *L);

#endif
