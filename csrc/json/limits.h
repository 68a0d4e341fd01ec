/* The limits that the C++ file shares with the C files. They are here because the C++ file does not include Lua. */
#ifndef TK_JSON_LIMITS_H
#define TK_JSON_LIMITS_H

/* How deep arrays and objects may nest, in encoding and decoding. It limits the recursion in C. */
#define TK_JSON_DEPTH 64

/* Readable bytes that simdjson needs after a text to read it in place. */
#define TK_JSON_PADDING 64

#endif
