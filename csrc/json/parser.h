/*
 * simdjson for C: it takes a text and gives a tape, simdjson's own format, which tape.c describes. These functions do
 * not call Lua, so a Lua error never jumps over a C++ stack frame.
 *
 * They are in a library of their own, simdjson.so beside core.so: loading simdjson and C++'s library takes 1.3 ms of
 * CPU, more than a program saves by them that decodes a few answers.
 */
#ifndef TK_JSON_PARSER_H
#define TK_JSON_PARSER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number changes with tk_parser_library: a file that another version left behind is not used. */
#define TK_PARSER_SYMBOL tk_parser_library_1

typedef struct tk_parser tk_parser;

/* A parsed text. The parser owns the memory; it is valid until the parser parses again or is freed. */
typedef struct tk_tape {
  const uint64_t *words;
  const uint8_t *strings;
} tk_tape;

typedef struct tk_parser_library {
  /* The caller frees the parser with `release`, which allows NULL. NULL: no memory. */
  tk_parser *(*make)(void);
  void (*release)(tk_parser *parser);

  /* Parses a text. 0 if simdjson refuses it or memory runs out. `capacity` is the number of readable bytes at `text`;
     if it is less than `size` + TK_JSON_PADDING, the parser copies the text. */
  int (*parse)(tk_parser *parser, const char *text, size_t size, size_t capacity, tk_tape *tape);

  /* The length of the longest text that fits into the parser's memory, which is about fifteen times as large. */
  size_t (*capacity)(const tk_parser *parser);
} tk_parser_library;

/* What simdjson.so exports, and programs that have parser.o linked in. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const tk_parser_library TK_PARSER_SYMBOL;

/* Loads simdjson.so if that was not tried yet. NULL: it cannot be loaded; lua-cjson then decodes everything. Any thread
   may call it. */
const tk_parser_library *tk_parser_load(void);

/* Whether simdjson.so can still be loaded later. It is found by the path of core.so, and a relative path leads to
   another file after a chdir. */
int tk_parser_can_wait(void);

#ifdef __cplusplus
}
#endif

#endif
