/***
Signatures: HMAC-SHA256 and a comparison in constant time, with OpenSSL's libcrypto.
@submodule timekit.core
*/
#include "bind/hmac.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define DIGEST_SIZE 32

/* Only strings: luaL_checklstring would accept a number and sign or compare its digits. */
static const char *check_text(lua_State *L, int index, size_t *size) {
  luaL_checktype(L, index, LUA_TSTRING);
  return lua_tolstring(L, index, size);
}

/* 0 if libcrypto fails. Libcrypto copies the key, and wipes its copy; we make none. */
static int compute(const char *key, size_t key_size, const char *text, size_t text_size,
                   unsigned char digest[DIGEST_SIZE]) {
  const unsigned char *done;
  if (key_size > INT_MAX) return 0;
  /* libcurl and the host use this thread's error queue, too. An error that we left in it would break one of their TLS
     connections. */
  ERR_set_mark();
  done = HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text, text_size, digest, NULL);
  ERR_pop_to_mark();
  return done != NULL;
}

/***
Computes the HMAC-SHA256 of a text.
@function hmac_sha256
@tparam string key any bytes
@tparam string text any bytes
@treturn string 32 bytes, raw
@raise an argument is not a string, or libcrypto fails: memory ran out, the machine's policy forbids it, or the key has
2 GiB or more
*/
static int hmac_sha256(lua_State *L) {
  unsigned char digest[DIGEST_SIZE];
  size_t key_size, text_size;
  const char *key = check_text(L, 1, &key_size);
  const char *text = check_text(L, 2, &text_size);
  if (!compute(key, key_size, text, text_size, digest))
    return luaL_error(L, "libcrypto could not compute an HMAC-SHA256 (not enough memory, or a policy forbids it)");
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

/***
Compares two strings. The time that it takes depends on their lengths only, so it shows nothing of a secret.
@function equal
@tparam string a any bytes
@tparam string b any bytes
@treturn boolean
@raise an argument is not a string
*/
static int equal(lua_State *L) {
  size_t a_size, b_size;
  const char *a = check_text(L, 1, &a_size);
  const char *b = check_text(L, 2, &b_size);
  lua_pushboolean(L, a_size == b_size && CRYPTO_memcmp(a, b, a_size) == 0);
  return 1;
}

void tk_hmac_open(lua_State *L) {
  lua_pushcfunction(L, hmac_sha256);
  lua_setfield(L, -2, "hmac_sha256");
  lua_pushcfunction(L, equal);
  lua_setfield(L, -2, "equal");
}
