/*
 * simdjson for C: it takes a text and gives a tape, simdjson's own format, which tape.c describes. These functions do
 * not call Lua, so a Lua error never jumps over a C++ stack frame.
 */
#ifndef TK_JSON_PARSER_H
#define TK_JSON_PARSER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tk_parser tk_parser;

/* A parsed text. The parser owns the memory; it is valid until the parser parses again or is freed. */
typedef struct tk_tape {
  const uint64_t *words;
  const uint8_t *strings;
} tk_tape;

/* The caller frees the parser with tk_parser_free, which allows NULL. NULL: no memory. */
tk_parser *tk_parser_new(void);
void tk_parser_free(tk_parser *parser);

/* Parses a text. 0 if simdjson refuses it or memory runs out. `capacity` is the number of readable bytes at `text`; if
   it is less than `size` + TK_JSON_PADDING, the parser copies the text. */
int tk_parser_parse(tk_parser *parser, const char *text, size_t size, size_t capacity, tk_tape *tape);

/* The length of the longest text that fits into the parser's memory, which is about fifteen times as large. */
size_t tk_parser_capacity(const tk_parser *parser);

#ifdef __cplusplus
}
#endif

#endif
