/* Makes simdjson, a C++ library, callable from C. This is the only C++ file; parser.h describes its functions. */
#define SIMDJSON_EXCEPTIONS 0

#include "json/parser.h"

#include "json/limits.h"

#include <simdjson.h>

#include <new>

/* In bytes. A parser takes fifteen times the size of the text, so longer ones would take gigabytes. */
static const size_t LONGEST = size_t(64) << 20;

static const size_t SMALLEST_CAPACITY = 4096;

/* simdjson before 3 accepts lone surrogates and makes invalid UTF-8 of them. */
static_assert(simdjson::SIMDJSON_VERSION_MAJOR >= 3, "simdjson 3 or newer is needed; JSON=cjson does without");
static_assert(TK_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads further behind the text");

struct tk_parser {
  simdjson::dom::parser parser;
  simdjson::dom::document document;
};

static tk_parser *make(void) { return new (std::nothrow) tk_parser; }

static void release(tk_parser *parser) { delete parser; }

static size_t capacity_of(const tk_parser *parser) { return parser->parser.capacity(); }

/* Makes room for a text of `size` bytes. The capacity grows by powers of two, because simdjson itself would allocate
   again for every text that is a little longer. If memory runs out between simdjson's allocations, it later assumes
   that all of them succeeded, and crashes. So the parser is then replaced by an empty one. */
static bool grow(tk_parser *parser, size_t size) {
  size_t capacity = SMALLEST_CAPACITY;
  while (capacity < size) capacity *= 2;
  if (parser->document.allocate(capacity) == simdjson::SUCCESS &&
      parser->parser.allocate(capacity, TK_JSON_DEPTH) == simdjson::SUCCESS)
    return true;
  parser->parser = simdjson::dom::parser();
  return false;
}

static int parse(tk_parser *parser, const char *text, size_t size, size_t capacity, tk_tape *tape) {
  const bool copy = capacity - size < TK_JSON_PADDING;
  if (size > LONGEST) return 0;
  if ((size > parser->parser.capacity() || size > parser->document.capacity()) && !grow(parser, size)) return 0;
  if (parser->parser.parse_into_document(parser->document, text, size, copy).error() != simdjson::SUCCESS) return 0;
  tape->words = parser->document.tape.get();
  tape->strings = parser->document.string_buf.get();
  return 1;
}

const tk_parser_library TK_PARSER_SYMBOL = {make, release, parse, capacity_of};
