#include "bind/hmac.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int tk_hmac_sha256(const char *key, size_t key_size, const char *text, size_t text_size,
                   unsigned char digest[TK_HMAC_SIZE]) {
  const unsigned char *done;
  if (key_size > INT_MAX) return 0;
  /* The thread's queue of errors is libcurl's and the host's as well: with one of ours in it, a TLS connection of theirs
     would be taken for broken. */
  ERR_set_mark();
  done = HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text, text_size, digest, NULL);
  ERR_pop_to_mark();
  return done != NULL;
}

int tk_equal(const char *a, size_t a_size, const char *b, size_t b_size) {
  return a_size == b_size && CRYPTO_memcmp(a, b, a_size) == 0;
}
