/*
 * Whom an engine trusts. libcurl hands OpenSSL every certificate of the system's bundle at every connection: 20 ms in
 * one call, in a game's frame or an nginx worker. Here each engine has a store of its own that looks certificates up
 * in a bundle when a chain asks for them.
 *
 * Where libcurl's TLS is not the OpenSSL that we are linked with, libcurl reads the files.
 */
#ifndef TK_TRUST_H
#define TK_TRUST_H

#include "engine/engine.h"

#include <curl/curl.h>

typedef struct tk_trust tk_trust;

/* Once in a process, for all threads. 0: no memory. */
int tk_trust_setup(void);

/* Reads `ca_file`, which then counts instead of everything else; NULL: what the environment names, or the system's.
   NULL on failure, with a line in `message`. */
tk_trust *tk_trust_new(const char *ca_file, char message[TK_MESSAGE_SIZE]);

/* Connections may go on using what they were made with. NULL is allowed. */
void tk_trust_free(tk_trust *trust);

/* Everything about trust that an easy handle has to know. 0: it does not take it. */
int tk_trust_set(CURL *easy, tk_trust *trust);

/* Whether whom to trust is read here, not by libcurl. */
int tk_trust_is_ours(const tk_trust *trust);

/* How often what is trusted has changed. Connections and sessions of an earlier age are not used again: an easy handle
   that is to speak with this age's is given its mark. */
unsigned tk_trust_age(const tk_trust *trust);
int tk_trust_mark(CURL *easy, const tk_trust *trust);

/* Why a connection failed with CURLE_SSL_CACERT_BADFILE. */
void tk_trust_explain(const tk_trust *trust, char *text, size_t size);

#endif
