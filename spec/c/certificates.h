/* Certificates that C tests make for themselves. */
#ifndef TEST_CERTIFICATES_H
#define TEST_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

EVP_PKEY *new_key(void);

/* A certificate with that subject and issuer for `key`, signed by `signer`. */
X509 *new_certificate(const char *subject, const X509_NAME *issuer, EVP_PKEY *key, EVP_PKEY *signer);

/* An authority, which signed itself, for a key of its own. */
X509 *new_root(const char *subject);

/* PEM, to be freed. `trusted`: OpenSSL's own kind, with a purpose that it is rejected for. */
char *pem_of(X509 *certificate, int trusted);

void write_file(const char *path, const char *text);

/* As above, in the place of what is there, in one moment. */
void replace_file(const char *path, const char *text);

/* Two texts in one, and a text with `with` wherever `what` stands. To be freed. */
char *joined(const char *first, const char *second);
char *changed(const char *text, const char *what, const char *with);

/* A question to a store, as a client's handshake has it. */
X509_STORE_CTX *asking(X509_STORE *store, X509 *certificate);

/* X509_V_OK, or why the store does not trust the certificate. */
int verdict(X509_STORE *store, X509 *certificate);

/* Whether the store has this very certificate. */
int has(X509_STORE *store, X509 *certificate);

/* A folder, the path of a file in it, and two authorities with their PEM, for all tests of a program. */
extern char folder[], file[64];
extern X509 *one, *other;
extern char *one_pem, *other_pem, *both_pem;
int set_up_authorities(void **state);
int tear_down_authorities(void **state);

#endif
