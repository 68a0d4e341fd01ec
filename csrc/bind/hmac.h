/*
 * HMAC-SHA256 and a comparison that takes no secret's time, by OpenSSL's libcrypto. Knows no Lua and keeps nothing.
 */
#ifndef TK_HMAC_H
#define TK_HMAC_H

#include <stddef.h>

#define TK_HMAC_SIZE 32

/* The HMAC-SHA256 of `text`. Neither may be NULL, both may be empty. No copy of the key is made but libcrypto's own,
   which it wipes. 0 on failure: no memory, a key of 2 GiB, or a libcrypto that is not allowed to. */
int tk_hmac_sha256(const char *key, size_t key_size, const char *text, size_t text_size,
                   unsigned char digest[TK_HMAC_SIZE]);

/* Whether both are the same bytes. How long it takes depends on their sizes only, which are no secret. */
int tk_equal(const char *a, size_t a_size, const char *b, size_t b_size);

#endif
