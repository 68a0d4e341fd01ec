#define _POSIX_C_SOURCE 200809L
#include "certificates.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EVP_PKEY *new_key(void) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  assert(key != NULL);
  return key;
}

static void extend(X509 *certificate, int kind, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
  assert(extension != NULL && X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

X509 *new_certificate(const char *subject, const X509_NAME *issuer, EVP_PKEY *key, EVP_PKEY *signer) {
  X509 *certificate = X509_new();
  static long serial = 1000;
  X509_NAME *name;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600L * 24);
  name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0);
  X509_set_issuer_name(certificate, issuer != NULL ? issuer : name);
  X509_set_pubkey(certificate, key);
  extend(certificate, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
  assert(X509_sign(certificate, signer, EVP_sha256()));
  return certificate;
}

X509 *new_root(const char *subject) {
  EVP_PKEY *key = new_key();
  X509 *certificate = new_certificate(subject, NULL, key, key);
  EVP_PKEY_free(key);
  return certificate;
}

char *pem_of(X509 *certificate, int trusted) {
  BIO *output = BIO_new(BIO_s_mem());
  char *bytes = NULL, *text;
  long size;
  if (trusted) X509_add1_reject_object(certificate, OBJ_nid2obj(NID_server_auth));
  assert(trusted ? PEM_write_bio_X509_AUX(output, certificate) : PEM_write_bio_X509(output, certificate));
  size = BIO_get_mem_data(output, &bytes);
  text = (char *)malloc((size_t)size + 1);
  memcpy(text, bytes, (size_t)size);
  text[size] = '\0';
  BIO_free(output);
  return text;
}

void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert(file != NULL);
  fputs(text, file);
  fclose(file);
}

void replace_file(const char *path, const char *text) {
  char beside[256];
  snprintf(beside, sizeof beside, "%s.new", path);
  write_file(beside, text);
  assert(rename(beside, path) == 0);
}

char *joined(const char *first, const char *second) {
  char *text = (char *)malloc(strlen(first) + strlen(second) + 1);
  strcpy(text, first);
  strcat(text, second);
  return text;
}

char *changed(const char *text, const char *what, const char *with) {
  char *result = (char *)calloc(1, strlen(text) * (strlen(with) + 1) + 1), *to = result;
  while (*text != '\0') {
    if (strncmp(text, what, strlen(what)) == 0) {
      strcpy(to, with);
      to += strlen(with);
      text += strlen(what);
    } else {
      *to++ = *text++;
    }
  }
  return result;
}

X509_STORE_CTX *asking(X509_STORE *store, X509 *certificate) {
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  assert(X509_STORE_CTX_init(context, store, certificate, NULL));
  X509_STORE_CTX_set_default(context, "ssl_server");
  return context;
}

int verdict(X509_STORE *store, X509 *certificate) {
  X509_STORE_CTX *context = asking(store, certificate);
  int error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  return error;
}

int has(X509_STORE *store, X509 *certificate) {
  X509_STORE_CTX *context = asking(store, certificate);
  STACK_OF(X509) *all = X509_STORE_CTX_get1_certs(context, X509_get_subject_name(certificate));
  int i, found = 0;
  for (i = 0; i < sk_X509_num(all); i++) found = found || X509_cmp(sk_X509_value(all, i), certificate) == 0;
  sk_X509_pop_free(all, X509_free);
  X509_STORE_CTX_free(context);
  return found;
}

/* ---- what a program begins and ends with ---- */

char folder[] = "/tmp/timekit-XXXXXX";
char file[64];
X509 *one, *other;
char *one_pem, *other_pem, *both_pem;

int set_up_authorities(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(file, sizeof file, "%s/ca.pem", folder);
  one = new_root("one");
  other = new_root("other");
  one_pem = pem_of(one, 0);
  other_pem = pem_of(other, 0);
  both_pem = joined(one_pem, other_pem);
  return 0;
}

int tear_down_authorities(void **state) {
  (void)state;
  unlink(file);
  rmdir(folder);
  X509_free(one);
  X509_free(other);
  free(one_pem);
  free(other_pem);
  free(both_pem);
  return 0;
}
