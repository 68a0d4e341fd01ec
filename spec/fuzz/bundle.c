/* A fuzz target of its own, without Lua: texts with certificates in them. Where OpenSSL reads a text, our reader
   finds the same certificates in it, and no other. */
#include "engine/bundle_read.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *parsed(const tk_certificate *one) {
  const unsigned char *der = one->der;
  return one->is_trusted ? d2i_X509_AUX(NULL, &der, (long)one->size) : d2i_X509(NULL, &der, (long)one->size);
}

static void expect_same(const tk_certificate *ours, X509 *theirs) {
  X509 *certificate = parsed(ours);
  if (certificate == NULL || X509_cmp(certificate, theirs) != 0) abort();
  if (X509_NAME_cmp(ours->subject, X509_get_subject_name(theirs)) != 0) abort();
  X509_free(certificate);
}

/* A text that OpenSSL refuses as a whole may hold some that are good. */
static void expect_sound(const tk_certificates *all) {
  size_t i;
  for (i = 0; i < all->count; i++) {
    X509 *certificate = parsed(&all->list[i]);
    if (certificate != NULL && X509_NAME_cmp(all->list[i].subject, X509_get_subject_name(certificate)) != 0) abort();
    X509_free(certificate);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  BIO *input = BIO_new_mem_buf(data, (int)size);
  STACK_OF(X509_INFO) *list = PEM_X509_INFO_read_bio(input, NULL, NULL, (char[]){""});
  tk_certificates all;
  tk_certificates_state state;
  size_t found = 0;
  char *text = (char *)malloc(size + 1); /* without a byte more than the reader may touch */
  int i;
  memset(&all, 0, sizeof all);
  memcpy(text, data, size);
  text[size] = '\0';
  state = tk_certificates_read(&all, text, size);
  if (state == TK_CERTIFICATES_NO_MEMORY) abort();
  for (i = 0; i < sk_X509_INFO_num(list); i++) {
    X509 *theirs = sk_X509_INFO_value(list, i)->x509;
    if (theirs == NULL) continue;
    if (found >= all.count) abort();
    expect_same(&all.list[found++], theirs);
  }
  if (list != NULL && found != all.count) abort();
  expect_sound(&all);
  tk_certificates_free(&all);
  sk_X509_INFO_pop_free(list, X509_INFO_free);
  BIO_free(input);
  ERR_clear_error();
  free(text);
  return 0;
}
