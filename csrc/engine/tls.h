/* What an engine's own files share of tk_tls, see engine.h. */
#ifndef TK_TLS_H
#define TK_TLS_H

#include "engine/engine.h"
#include "engine/trust.h"

/* One more user. */
tk_tls *tk_tls_share(tk_tls *tls);

/* Makes the trust of one engine, in the files that were read. NULL on failure, with a line in `message`. */
tk_trust *tk_tls_trust(const tk_tls *tls, char message[TK_MESSAGE_SIZE]);

/* Gives an easy handle the client's certificate, if there is one. 0: the handle refuses it. */
int tk_tls_set(CURL *easy, const tk_tls *tls);

#endif
