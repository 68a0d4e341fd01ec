/* Finds the sequences of UTF-8 in a text. */
#include "json/utf8.h"

#include <string.h>

size_t tk_utf8_sequence(const char *s) {
  const unsigned char *b = (const unsigned char *)s;
  unsigned char low = 0x80, high = 0xBF;
  size_t size, i;
  if (b[0] < 0x80) return 1;
  if (b[0] < 0xC2 || b[0] > 0xF4) return 0;
  size = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
  /* The second byte shows overlong forms, surrogates, and values above U+10FFFF. */
  if (b[0] == 0xE0) low = 0xA0;
  if (b[0] == 0xED) high = 0x9F;
  if (b[0] == 0xF0) low = 0x90;
  if (b[0] == 0xF4) high = 0x8F;
  if (b[1] < low || b[1] > high) return 0;
  for (i = 2; i < size; i++)
    if (b[i] < 0x80 || b[i] > 0xBF) return 0;
  return size;
}

int tk_utf8_is_control(const char *s) {
  const unsigned char *b = (const unsigned char *)s;
  return b[0] < 0x20 || b[0] == 0x7F || (b[0] == 0xC2 && b[1] < 0xA0);
}

size_t tk_utf8_mark(const char *s, size_t size) { return size >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; }
