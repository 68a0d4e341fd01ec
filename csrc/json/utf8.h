/* Finds the sequences of UTF-8 in a text. */
#ifndef TK_UTF8_H
#define TK_UTF8_H

#include <stddef.h>

/* The length of the valid UTF-8 sequence at `s`; 0 if there is none. It never reads past the NUL after a Lua string,
   because NUL is not a continuation byte. */
size_t tk_utf8_sequence(const char *s);

/* Whether a valid UTF-8 sequence is a control character; U+0080 to U+009F are, too. */
int tk_utf8_is_control(const char *s);

/* The size of the byte order mark at the start of a text; 0 if there is none. */
size_t tk_utf8_mark(const char *s, size_t size);

#endif
