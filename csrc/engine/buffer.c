/* The byte buffer that answers and requests are kept in. Its capacity doubles, so appending is cheap. */
#include "engine/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)1024)

tk_append tk_buffer_append(tk_buffer *buffer, const char *bytes, size_t count, size_t limit) {
  if (count == 0) return TK_APPENDED;
  if (buffer->size > limit || count > limit - buffer->size) return TK_OVER_LIMIT;
  if (count > buffer->capacity - buffer->size) {
    size_t capacity = buffer->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buffer->capacity;
    char *data;
    while (capacity - buffer->size < count) {
      /* Doubling would wrap around. */
      if (capacity > (size_t)-1 / 2) return TK_NO_MEMORY;
      capacity *= 2;
    }
    data = (char *)realloc(buffer->data, capacity);
    if (data == NULL) return TK_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
  }
  memcpy(buffer->data + buffer->size, bytes, count);
  buffer->size += count;
  return TK_APPENDED;
}

int tk_buffer_fill(tk_buffer *buffer, const char *bytes, size_t count) {
  if (count > buffer->capacity) {
    tk_buffer_free(buffer);
    buffer->data = (char *)malloc(count);
    if (buffer->data == NULL) return 0;
    buffer->capacity = count;
  }
  if (count > 0) memcpy(buffer->data, bytes, count);
  buffer->size = count;
  return 1;
}

void tk_buffer_clear(tk_buffer *buffer) { buffer->size = 0; }

void tk_buffer_free(tk_buffer *buffer) {
  free(buffer->data);
  buffer->data = NULL;
  buffer->size = buffer->capacity = 0;
}
