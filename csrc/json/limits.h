/* What the C++ file has in common with the rest: numbers alone, no Lua. */
#ifndef TK_JSON_LIMITS_H
#define TK_JSON_LIMITS_H

/* How deep arrays and objects may nest, both ways: it bounds the recursion in C. */
#define TK_JSON_DEPTH 64

/* So many readable bytes behind a text spare the decoder a copy of it. */
#define TK_JSON_PADDING 64

#endif
