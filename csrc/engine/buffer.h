/* A growing byte buffer with a limit: all that a libcurl callback may touch. */
#ifndef TK_BUFFER_H
#define TK_BUFFER_H

#include <stddef.h>

typedef struct tk_buffer {
  char *data; /* owned; NULL while empty */
  size_t size;
  size_t capacity;
} tk_buffer;

typedef enum tk_append { TK_APPENDED, TK_OVER_LIMIT, TK_NO_MEMORY } tk_append;

/* Appends `count` bytes unless the buffer would then hold more than `limit`; on anything but
   TK_APPENDED the buffer is as it was. */
tk_append tk_buffer_append(tk_buffer *buffer, const char *bytes, size_t count, size_t limit);

/* Replaces the content, and takes no more memory than it needs. 0: there is none; the buffer is empty then. */
int tk_buffer_fill(tk_buffer *buffer, const char *bytes, size_t count);

/* Forgets the content and keeps the memory. */
void tk_buffer_clear(tk_buffer *buffer);

void tk_buffer_free(tk_buffer *buffer);

#endif
