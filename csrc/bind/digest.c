/***
SHA-256 of a text that comes in parts, such as a file that is too large for the memory, with OpenSSL's libcrypto.
@submodule timekit.core
*/
#include "bind/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define DIGEST "timekit.sha256"

/* NULL: it was finished. */
typedef struct digest_handle {
  EVP_MD_CTX *context;
} digest_handle;

static digest_handle *check_handle(lua_State *L) { return (digest_handle *)luaL_checkudata(L, 1, DIGEST); }

static EVP_MD_CTX *check_context(lua_State *L) {
  const digest_handle *handle = check_handle(L);
  if (handle->context == NULL) luaL_error(L, "attempt to use a finished digest");
  return handle->context;
}

static int fail(lua_State *L) {
  return luaL_error(L, "libcrypto could not compute a SHA-256 (not enough memory, or a policy forbids it)");
}

/***
Begins a digest.
@function sha256
@treturn sha256
@raise libcrypto fails: memory ran out, or the machine's policy forbids it
*/
static int digest_new(lua_State *L) {
  int started;
  digest_handle *handle = (digest_handle *)lua_newuserdata(L, sizeof *handle);
  handle->context = NULL;
  tk_setmetatable(L, DIGEST);
  /* This thread's error queue is libcurl's and the host's, too: see csrc/bind/hmac.c. */
  ERR_set_mark();
  handle->context = EVP_MD_CTX_new();
  started = handle->context != NULL && EVP_DigestInit_ex(handle->context, EVP_sha256(), NULL);
  ERR_pop_to_mark();
  return started ? 1 : fail(L);
}

/***
Adds the next part of the text.
@function sha256:update
@tparam string text any bytes
@raise libcrypto fails
*/
static int digest_update(lua_State *L) {
  EVP_MD_CTX *context = check_context(L);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  return EVP_DigestUpdate(context, text, size) ? 0 : fail(L);
}

static int digest_free(lua_State *L) {
  digest_handle *handle = check_handle(L);
  EVP_MD_CTX *context = handle->context;
  handle->context = NULL;
  EVP_MD_CTX_free(context);
  return 0;
}

/***
Ends the digest.
@function sha256:finish
@treturn string 64 hexadecimal digits
@raise libcrypto fails
*/
static int digest_finish(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  char text[2 * EVP_MAX_MD_SIZE];
  unsigned size = 0, index;
  if (!EVP_DigestFinal_ex(check_context(L), digest, &size)) return fail(L);
  digest_free(L);
  for (index = 0; index < size; index++) {
    text[2 * index] = digits[digest[index] >> 4];
    text[2 * index + 1] = digits[digest[index] & 15];
  }
  lua_pushlstring(L, text, 2 * (size_t)size);
  return 1;
}

static const luaL_Reg methods[] = {{"update", digest_update}, {"finish", digest_finish}, {NULL, NULL}};

void tk_digest_open(lua_State *L) {
  luaL_newmetatable(L, DIGEST);
  lua_pushcfunction(L, digest_free);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  tk_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, digest_new);
  lua_setfield(L, -2, "sha256");
}
