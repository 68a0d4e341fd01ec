/*
 * Which certificates an engine trusts. libcurl hands OpenSSL every certificate of the system's bundle at every
 * connection: 20 ms at a stretch, in a game's frame or an nginx worker. Here each engine has a store of its own that
 * looks certificates up in a bundle when a chain asks for them.
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

/* Tells an easy handle everything about trust. 0: the handle refuses it. */
int tk_trust_set(CURL *easy, tk_trust *trust);

/* Are the certificates to trust read here, and not by libcurl? */
int tk_trust_is_ours(const tk_trust *trust);

/* The age counts how often the trusted certificates have changed. Connections and sessions of an earlier age are not
   used again: libcurl uses those that have the same mark as the easy handle. */
unsigned tk_trust_age(const tk_trust *trust);
int tk_trust_mark(CURL *easy, const tk_trust *trust);

/* Why a connection failed with CURLE_SSL_CACERT_BADFILE. */
void tk_trust_explain(const tk_trust *trust, char *text, size_t size);

#endif
