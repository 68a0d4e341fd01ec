/* A growing byte buffer. Appending to it takes a limit, so libcurl's callbacks can append without checks of their
   own. */
#ifndef TK_BUFFER_H
#define TK_BUFFER_H

#include <stddef.h>

typedef struct tk_buffer {
  char *data; /* owned; NULL while empty */
  size_t size;
  size_t capacity;
} tk_buffer;

typedef enum tk_append { TK_APPENDED, TK_OVER_LIMIT, TK_NO_MEMORY } tk_append;

/* Appends `count` bytes unless the buffer would then hold more than `limit`. Anything but TK_APPENDED leaves the
   buffer unchanged. */
tk_append tk_buffer_append(tk_buffer *buffer, const char *bytes, size_t count, size_t limit);

/* Replaces the content. Allocates exactly `count` bytes if there is too little room. 0: no memory; the buffer is empty
   then. */
int tk_buffer_fill(tk_buffer *buffer, const char *bytes, size_t count);

/* Drops the content and keeps the memory. */
void tk_buffer_clear(tk_buffer *buffer);

/* Frees the memory. The buffer stays usable, and empty. */
void tk_buffer_free(tk_buffer *buffer);

#endif
