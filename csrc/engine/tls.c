/*
 * The files of a client's TLS, read once: the certificates that it trusts, and its own with the key.
 *
 * libcurl gets the client's certificate from memory, so that it is there after a chroot or a change of user. It gets
 * the key decrypted, because deriving one from a password may take longer than a frame. It shows the certificate to
 * servers, never to a proxy.
 */
#include "engine/tls.h"
#include "engine/internal.h"
#include "engine/file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct secret {
  void *bytes; /* NULL: none; wiped when freed */
  size_t size;
} secret;

struct tk_tls {
  int users;
  char *ca_file;
  tk_trust *trust;      /* keeps what was read */
  secret certificates;  /* PEM: the client's, then those between it and the root */
  secret key;           /* DER */
  /* For a libcurl that takes files only. */
  char *cert_file, *key_file;
  secret password;
};

static void wipe(secret *s) {
  if (s->bytes != NULL) tk_wipe(s->bytes, s->size);
  free(s->bytes);
  s->bytes = NULL;
}

static int keep(secret *s, const void *bytes, size_t size) {
  s->bytes = malloc(size > 0 ? size : 1);
  if (s->bytes == NULL) return 0;
  memcpy(s->bytes, bytes, size);
  s->size = size;
  return 1;
}

/* ---- reading; each returns 0 with a line in `message` ---- */

static int no_memory(char *message) {
  strcpy(message, "not enough memory");
  return 0;
}

/* As much of a path as leaves room for what is wrong with it. */
#define PATH "%.160s"

static int read_text(const char *option, const char *path, secret *text, char *message) {
  struct stat seen;
  text->bytes = tk_file_read(path, &seen, &text->size);
  if (text->bytes != NULL) return 1;
  if (errno == ENOMEM) return no_memory(message);
  snprintf(message, TK_MESSAGE_SIZE, "%s: " PATH " cannot be read: %s", option, path, strerror(errno));
  return 0;
}

/* OpenSSL reports a lack of memory only in its list of errors. */
static int is_out_of_memory(void) {
  unsigned long code = ERR_peek_last_error();
  return code != 0 && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

/* The first certificate of the text; all of them go into `tls`, and nothing else that the file may hold. */
static X509 *read_certificates(tk_tls *tls, const secret *text) {
  BIO *input = BIO_new_mem_buf(text->bytes, (int)text->size), *output = BIO_new(BIO_s_mem());
  X509 *first = NULL, *next;
  int good = input != NULL && output != NULL;
  char *bytes = NULL;
  while (good && (next = PEM_read_bio_X509_AUX(input, NULL, NULL, NULL)) != NULL) {
    good = PEM_write_bio_X509(output, next);
    if (first == NULL) first = next;
    else X509_free(next);
  }
  if (good && first != NULL) {
    long size = BIO_get_mem_data(output, &bytes);
    good = size > 0 && keep(&tls->certificates, bytes, (size_t)size);
  }
  BIO_free(input);
  BIO_free(output);
  if (good) return first;
  X509_free(first);
  return NULL;
}

typedef struct password {
  const char *text; /* NULL: none was given */
  int is_asked_for;
} password;

/* Without this callback OpenSSL would ask at the terminal. */
static int tell_password(char *buffer, int room, int writes, void *data) {
  password *given = (password *)data;
  size_t size = given->text == NULL ? 0 : strlen(given->text);
  (void)writes;
  given->is_asked_for = 1;
  if (given->text == NULL || size > (size_t)room) return -1;
  memcpy(buffer, given->text, size);
  return (int)size;
}

static EVP_PKEY *read_key(const secret *text, password *given) {
  BIO *input = BIO_new_mem_buf(text->bytes, (int)text->size);
  EVP_PKEY *key = input == NULL ? NULL : PEM_read_bio_PrivateKey(input, NULL, tell_password, given);
  BIO_free(input);
  return key;
}

static int keep_key(tk_tls *tls, EVP_PKEY *key) {
  unsigned char *der = NULL;
  int size = i2d_PrivateKey(key, &der), good = size > 0 && keep(&tls->key, der, (size_t)size);
  if (size > 0) OPENSSL_clear_free(der, (size_t)size);
  return good;
}

static int check_key(tk_tls *tls, const tk_tls_files *files, X509 *certificate, EVP_PKEY *key, const password *given,
                     char *message) {
  const char *path = files->key_file != NULL ? files->key_file : files->cert_file;
  if (key == NULL && is_out_of_memory()) return no_memory(message);
  if (key == NULL && given->is_asked_for) {
    const char *format = given->text != NULL ? "key_password: does not open " PATH
                                             : "key_password: expected, since " PATH " is encrypted";
    snprintf(message, TK_MESSAGE_SIZE, format, path);
    return 0;
  }
  if (key == NULL || !X509_check_private_key(certificate, key)) {
    const char *format = key == NULL ? "key_file: " PATH " holds no private key in PEM"
                                     : "key_file: the key in " PATH " is not that of the certificate";
    snprintf(message, TK_MESSAGE_SIZE, format, path);
    return 0;
  }
  return keep_key(tls, key) || no_memory(message);
}

static int read_identity(tk_tls *tls, const tk_tls_files *files, char *message) {
  secret text = {NULL, 0};
  password given = {files->key_password, 0};
  X509 *certificate = NULL;
  EVP_PKEY *key = NULL;
  int good = 0;
  if (!read_text("cert_file", files->cert_file, &text, message)) return 0;
  certificate = read_certificates(tls, &text);
  if (certificate == NULL) {
    if (is_out_of_memory() || tls->certificates.size > 0) no_memory(message);
    else snprintf(message, TK_MESSAGE_SIZE, "cert_file: " PATH " holds no certificate in PEM", files->cert_file);
  } else {
    if (files->key_file != NULL) wipe(&text);
    if (text.bytes != NULL || read_text("key_file", files->key_file, &text, message)) {
      /* OpenSSL has reported the end of the certificates as an error. */
      (void)ERR_pop_to_mark();
      (void)ERR_set_mark();
      key = read_key(&text, &given);
      good = check_key(tls, files, certificate, key, &given, message);
    }
  }
  EVP_PKEY_free(key);
  X509_free(certificate);
  wipe(&text);
  return good;
}

static int copy_names(tk_tls *tls, const tk_tls_files *files) {
  if ((tls->cert_file = tk_text_copy(files->cert_file)) == NULL) return 0;
  if (files->key_file != NULL && (tls->key_file = tk_text_copy(files->key_file)) == NULL) return 0;
  return files->key_password == NULL || keep(&tls->password, files->key_password, strlen(files->key_password) + 1);
}

static int fill(tk_tls *tls, const tk_tls_files *files, char *message) {
  if (files->cert_file == NULL && (files->key_file != NULL || files->key_password != NULL)) {
    snprintf(message, TK_MESSAGE_SIZE, "%s: expected together with cert_file",
             files->key_file != NULL ? "key_file" : "key_password");
    return 0;
  }
  if (files->ca_file != NULL && (tls->ca_file = tk_text_copy(files->ca_file)) == NULL) return no_memory(message);
  if ((tls->trust = tk_trust_new(files->ca_file, message)) == NULL) return 0;
  if (files->cert_file == NULL) return 1;
  if (!read_identity(tls, files, message)) return 0;
  return tk_trust_is_ours(tls->trust) || copy_names(tls, files) || no_memory(message);
}

tk_tls *tk_tls_new(const tk_tls_files *files, char message[TK_MESSAGE_SIZE]) {
  tk_tls *tls = (tk_tls *)calloc(1, sizeof *tls);
  int good;
  if (tls == NULL) {
    (void)no_memory(message);
    return NULL;
  }
  tls->users = 1;
  (void)ERR_set_mark();
  good = fill(tls, files, message);
  (void)ERR_pop_to_mark();
  if (good) return tls;
  tk_tls_free(tls);
  return NULL;
}

/* ---- the rest ---- */

tk_tls *tk_tls_share(tk_tls *tls) {
  tls->users++;
  return tls;
}

void tk_tls_free(tk_tls *tls) {
  if (tls == NULL || --tls->users > 0) return;
  wipe(&tls->certificates);
  wipe(&tls->key);
  wipe(&tls->password);
  tk_trust_free(tls->trust);
  free(tls->cert_file);
  free(tls->key_file);
  free(tls->ca_file);
  free(tls);
}

tk_trust *tk_tls_trust(const tk_tls *tls, char message[TK_MESSAGE_SIZE]) { return tk_trust_new(tls->ca_file, message); }

static int set_blob(CURL *easy, CURLoption option, const secret *s) {
  struct curl_blob blob;
  blob.data = s->bytes;
  blob.len = s->size;
  blob.flags = CURL_BLOB_NOCOPY;
  return curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

int tk_tls_set(CURL *easy, const tk_tls *tls) {
  const char *key_file = tls->key_file != NULL ? tls->key_file : tls->cert_file;
  if (tls->certificates.bytes == NULL) return 1;
  if (tls->cert_file == NULL)
    return set_blob(easy, CURLOPT_SSLCERT_BLOB, &tls->certificates) && set_blob(easy, CURLOPT_SSLKEY_BLOB, &tls->key) &&
           curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "DER") == CURLE_OK;
  return curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_SSLKEY, key_file) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_KEYPASSWD, tls->password.bytes) == CURLE_OK;
}
