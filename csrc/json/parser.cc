/* The one C++ file; see json_parser.h. */
#define SIMDJSON_EXCEPTIONS 0

#include "json/parser.h"

#include "json/limits.h"

#include <simdjson.h>

#include <new>

/* Longer texts would take gigabytes here. */
static const size_t LONGEST = size_t(64) << 20;

static const size_t SMALLEST_CAPACITY = 4096;

/* Older ones read surrogates that are no pairs, and make something that is no UTF-8. */
static_assert(simdjson::SIMDJSON_VERSION_MAJOR >= 3, "simdjson 3 or newer is needed; JSON=cjson does without");
static_assert(TK_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads further behind the text");

struct tk_parser {
  simdjson::dom::parser parser;
  simdjson::dom::document document;
};

tk_parser *tk_parser_new(void) { return new (std::nothrow) tk_parser; }

void tk_parser_free(tk_parser *parser) { delete parser; }

size_t tk_parser_capacity(const tk_parser *parser) { return parser->parser.capacity(); }

/* By powers of two: simdjson itself would move for every text that is a little longer than all before. Where memory
   runs out half way simdjson takes the rest for granted next time, and crashes: so it starts from nothing again. */
static bool grow(tk_parser *parser, size_t size) {
  size_t capacity = SMALLEST_CAPACITY;
  while (capacity < size) capacity *= 2;
  if (parser->document.allocate(capacity) == simdjson::SUCCESS &&
      parser->parser.allocate(capacity, TK_JSON_DEPTH) == simdjson::SUCCESS)
    return true;
  parser->parser = simdjson::dom::parser();
  return false;
}

int tk_parser_parse(tk_parser *parser, const char *text, size_t size, size_t capacity, tk_tape *tape) {
  const bool copy = capacity - size < TK_JSON_PADDING;
  if (size > LONGEST) return 0;
  if ((size > parser->parser.capacity() || size > parser->document.capacity()) && !grow(parser, size)) return 0;
  if (parser->parser.parse_into_document(parser->document, text, size, copy).error() != simdjson::SUCCESS) return 0;
  tape->words = parser->document.tape.get();
  tape->strings = parser->document.string_buf.get();
  return 1;
}
