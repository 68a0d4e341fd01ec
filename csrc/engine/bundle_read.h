/* Certificates in a text of PEM, found without parsing more of them than their subjects. */
#ifndef TK_BUNDLE_READ_H
#define TK_BUNDLE_READ_H

#include <openssl/x509.h>
#include <stddef.h>

typedef struct tk_certificate {
  const unsigned char *der; /* in the block of all */
  size_t size;
  X509_NAME *subject;
  int is_trusted; /* of OpenSSL's own kind, followed by what it is trusted for */
} tk_certificate;

typedef struct tk_certificates {
  unsigned char *block;
  tk_certificate *list;
  size_t count, room;
} tk_certificates;

typedef enum tk_certificates_state {
  TK_CERTIFICATES_READ,
  TK_CERTIFICATES_UNKNOWN, /* OpenSSL, too, would refuse the text, or there is no certificate in it */
  TK_CERTIFICATES_NO_MEMORY
} tk_certificates_state;

/* Fills `all`, which has to be empty. It stays empty unless the result is TK_CERTIFICATES_READ. */
tk_certificates_state tk_certificates_read(tk_certificates *all, const char *text, size_t size);

void tk_certificates_free(tk_certificates *all);

#endif
