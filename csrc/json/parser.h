/*
 * simdjson for C: text in, tape out. The tape is simdjson's own, described in its doc/tape.md. Nothing here knows Lua,
 * so no C++ frame is ever on the stack while Lua raises.
 */
#ifndef TK_JSON_PARSER_H
#define TK_JSON_PARSER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tk_parser tk_parser;

/* Belongs to the parser, and holds until it parses again. */
typedef struct tk_tape {
  const uint64_t *words;
  const uint8_t *strings;
} tk_tape;

/* NULL for want of memory. To be freed by tk_parser_free, which also takes NULL. */
tk_parser *tk_parser_new(void);
void tk_parser_free(tk_parser *parser);

/* 0 if simdjson refuses the text, for whatever reason. `capacity` bytes from `text` on are readable; if that is
   not TK_JSON_PADDING more than `size`, the parser works on a copy. */
int tk_parser_parse(tk_parser *parser, const char *text, size_t size, size_t capacity, tk_tape *tape);

/* The length of text that it has memory for: some fifteen times as much. */
size_t tk_parser_capacity(const tk_parser *parser);

#ifdef __cplusplus
}
#endif

#endif
