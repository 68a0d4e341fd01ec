/* Letters as HTTP knows them. The functions of ctype.h and strings.h depend on the locale: in a Turkish one "I" is not
   the capital of "i", so they would not find a header with an I in its name. */
#ifndef TK_ASCII_H
#define TK_ASCII_H

#include <stddef.h>

static inline char tk_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static inline int tk_is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Whether the first `size` bytes of two texts differ in case only. Stops at a NUL, as strncasecmp does. */
static inline int tk_same_letters(const char *a, const char *b, size_t size) {
  for (; size > 0 && tk_lower(*a) == tk_lower(*b); a++, b++, size--)
    if (*a == '\0') return 1;
  return size == 0;
}

#endif
