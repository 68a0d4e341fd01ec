/*
 * Two readers. The quick one takes the plain form that bundles have, and leaves everything else to OpenSSL's, so that
 * the certificates of a file are always those that OpenSSL finds in it: what the quick one accepts, OpenSSL reads in
 * the same way.
 */
#include "engine/bundle_read.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* OpenSSL reads lines in pieces of 254 bytes, and takes each piece for a line. */
#define LONGEST_LINE 250

#define INVALID 0xff

/* The first byte of UTF-8's byte order mark. */
#define BYTE_ORDER_MARK 0xef

static void forget(tk_certificates *all) {
  size_t i;
  for (i = 0; i < all->count; i++) X509_NAME_free(all->list[i].subject);
  all->count = 0;
}

void tk_certificates_free(tk_certificates *all) {
  forget(all);
  free(all->list);
  free(all->block);
  memset(all, 0, sizeof *all);
}

/* A new entry at the end, not counted yet. NULL: no memory. */
static tk_certificate *new_entry(tk_certificates *all) {
  if (all->count == all->room) {
    size_t room = all->room == 0 ? 64 : all->room * 2;
    tk_certificate *list = (tk_certificate *)realloc(all->list, room * sizeof *list);
    if (list == NULL) return NULL;
    all->list = list;
    all->room = room;
  }
  return &all->list[all->count];
}

/* ---- the subject of a certificate ---- */

/* The content of a DER value, with its tag and size. NULL: it does not fit, or is written in a way that DER does not
   allow. */
static const unsigned char *content(const unsigned char *at, const unsigned char *end, int *tag, size_t *size) {
  size_t length;
  int more;
  if (end - at < 2) return NULL;
  *tag = *at++;
  length = *at++;
  if (length >= 0x80) {
    more = (int)(length & 0x7f);
    if (more < 1 || more > 3 || end - at < more) return NULL;
    for (length = 0; more > 0; more--) length = length << 8 | *at++;
  }
  if ((size_t)(end - at) < length) return NULL;
  *size = length;
  return at;
}

#define SEQUENCE 0x30
#define VERSION 0xa0

/* RFC 5280, 4.1: Certificate { TBSCertificate { [version], serial number, algorithm, issuer, validity, subject … }
   … } */
static X509_NAME *subject_of(const unsigned char *der, size_t der_size) {
  const unsigned char *at = der, *end = der + der_size, *start;
  size_t size = 0;
  int tag = 0, i;
  for (i = 0; i < 2; i++) {
    at = content(at, end, &tag, &size);
    if (at == NULL || tag != SEQUENCE) return NULL;
    end = at + size;
  }
  for (i = at < end && *at == VERSION ? 5 : 4; i > 0; i--) {
    at = content(at, end, &tag, &size);
    if (at == NULL) return NULL;
    at += size;
  }
  start = at;
  at = content(at, end, &tag, &size);
  if (at == NULL || tag != SEQUENCE) return NULL;
  return d2i_X509_NAME(NULL, &start, (long)((size_t)(at - start) + size));
}

/* ---- the quick reader ---- */

typedef struct reader {
  const char *at, *end;         /* what is left */
  const char *line, *line_end;  /* the latest line, without blanks at its end */
  unsigned char value[256];     /* of base64's digits */
  unsigned char *to;
} reader;

static void prepare(reader *r, const char *text, size_t size, unsigned char *to) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned char i;
  memset(r->value, INVALID, sizeof r->value);
  for (i = 0; i < 64; i++) r->value[(unsigned char)digits[i]] = i;
  r->at = text;
  r->end = text + size;
  r->to = to;
}

/* 0: there is none, or it is too long (then some of the text is left). */
static int next_line(reader *r) {
  const char *end;
  if (r->at == r->end) return 0;
  end = (const char *)memchr(r->at, '\n', (size_t)(r->end - r->at));
  if (end == NULL) end = r->end;
  if (end - r->at > LONGEST_LINE) return 0;
  r->line = r->at;
  r->at = end < r->end ? end + 1 : end;
  while (end > r->line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
  r->line_end = end;
  return 1;
}

static int starts_with(const reader *r, const char *text) {
  size_t size = strlen(text);
  return (size_t)(r->line_end - r->line) >= size && memcmp(r->line, text, size) == 0;
}

static int is_line(const reader *r, const char *text) {
  return (size_t)(r->line_end - r->line) == strlen(text) && starts_with(r, text);
}

/* Decodes up to a line that begins with a dash. 0: there is something but base64. */
static int decode(reader *r) {
  uint32_t bits = 0;
  int have = 0, padding = 0;
  size_t digits = 0;
  const char *at;
  while (next_line(r)) {
    if (r->line < r->line_end && *r->line == '-')
      return digits > 0 && (digits + (size_t)padding) % 4 == 0 && padding <= 2;
    if (r->line == r->line_end) return 0;
    for (at = r->line; at < r->line_end; at++) {
      unsigned char value = r->value[(unsigned char)*at];
      if (*at == '=' && ++padding <= 2) continue;
      if (value == INVALID || padding > 0) return 0;
      digits++;
      bits = bits << 6 | value;
      have += 6;
      if (have < 8) continue;
      have -= 8;
      *r->to++ = (unsigned char)(bits >> have & 0xff);
    }
  }
  return 0;
}

typedef struct kind {
  const char *begin, *end;
  int is_certificate, is_trusted;
} kind;

/* Other kinds have no business in a bundle, so OpenSSL may judge them. */
static const kind kinds[] = {
  {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", 1, 0},
  {"-----BEGIN TRUSTED CERTIFICATE-----", "-----END TRUSTED CERTIFICATE-----", 1, 1},
  {"-----BEGIN X509 CERTIFICATE-----", "-----END X509 CERTIFICATE-----", 1, 0},
};

static const kind *kind_of(const reader *r) {
  size_t i;
  for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (is_line(r, kinds[i].begin)) return &kinds[i];
  return NULL;
}

static tk_certificates_state read_one(tk_certificates *all, reader *r) {
  const kind *found = kind_of(r);
  unsigned char *der = r->to;
  tk_certificate *entry;
  if (found == NULL || !decode(r) || !is_line(r, found->end)) return TK_CERTIFICATES_UNKNOWN;
  entry = new_entry(all);
  if (entry == NULL) return TK_CERTIFICATES_NO_MEMORY;
  entry->der = der;
  entry->size = (size_t)(r->to - der);
  entry->is_trusted = found->is_trusted;
  entry->subject = subject_of(der, entry->size);
  if (entry->subject == NULL) return TK_CERTIFICATES_UNKNOWN;
  all->count++;
  return TK_CERTIFICATES_READ;
}

static tk_certificates_state read_quickly(tk_certificates *all, const char *text, size_t size) {
  tk_certificates_state state = TK_CERTIFICATES_READ;
  reader r;
  all->block = (unsigned char *)malloc(size / 4 * 3 + 3);
  if (all->block == NULL) return TK_CERTIFICATES_NO_MEMORY;
  prepare(&r, text, size, all->block);
  if (size > 0 && (unsigned char)*text == BYTE_ORDER_MARK) return TK_CERTIFICATES_UNKNOWN;
  while (state == TK_CERTIFICATES_READ && next_line(&r))
    if (starts_with(&r, "-----BEGIN")) state = read_one(all, &r);
  if (state == TK_CERTIFICATES_READ && (r.at < r.end || all->count == 0)) state = TK_CERTIFICATES_UNKNOWN;
  return state;
}

/* ---- OpenSSL's reader ---- */

/* The size of all certificates together. 0: no memory. */
static int size_of(STACK_OF(X509_INFO) * found, size_t *size) {
  int i;
  for (i = 0, *size = 0; i < sk_X509_INFO_num(found); i++) {
    X509 *certificate = sk_X509_INFO_value(found, i)->x509;
    int more = certificate == NULL ? 0 : i2d_X509_AUX(certificate, NULL);
    if (more < 0) return 0;
    *size += (size_t)more;
  }
  return 1;
}

static int keep(tk_certificates *all, X509 *certificate, unsigned char **to) {
  unsigned char *der = *to;
  tk_certificate *entry = new_entry(all);
  int size;
  if (entry == NULL) return 0;
  size = i2d_X509_AUX(certificate, to);
  entry->subject = size > 0 ? X509_NAME_dup(X509_get_subject_name(certificate)) : NULL;
  if (entry->subject == NULL) return 0;
  entry->der = der;
  entry->size = (size_t)size;
  entry->is_trusted = 1;
  all->count++;
  return 1;
}

static tk_certificates_state keep_all(tk_certificates *all, STACK_OF(X509_INFO) * found) {
  size_t size;
  unsigned char *to;
  int i;
  if (!size_of(found, &size)) return TK_CERTIFICATES_NO_MEMORY;
  if (size == 0) return TK_CERTIFICATES_UNKNOWN;
  free(all->block);
  to = all->block = (unsigned char *)malloc(size);
  if (to == NULL) return TK_CERTIFICATES_NO_MEMORY;
  for (i = 0; i < sk_X509_INFO_num(found); i++) {
    X509 *certificate = sk_X509_INFO_value(found, i)->x509;
    if (certificate != NULL && !keep(all, certificate, &to)) return TK_CERTIFICATES_NO_MEMORY;
  }
  return TK_CERTIFICATES_READ;
}

static tk_certificates_state read_slowly(tk_certificates *all, const char *text, size_t size) {
  static char no_password[] = "";
  BIO *input = BIO_new_mem_buf(text, (int)size);
  STACK_OF(X509_INFO) *found = NULL;
  tk_certificates_state state = TK_CERTIFICATES_NO_MEMORY;
  if (input == NULL) return state;
  found = PEM_X509_INFO_read_bio(input, NULL, NULL, no_password);
  if (found != NULL) state = keep_all(all, found);
  else if (ERR_GET_REASON(ERR_peek_last_error()) != ERR_R_MALLOC_FAILURE) state = TK_CERTIFICATES_UNKNOWN;
  sk_X509_INFO_pop_free(found, X509_INFO_free);
  BIO_free(input);
  return state;
}

tk_certificates_state tk_certificates_read(tk_certificates *all, const char *text, size_t size) {
  tk_certificates_state state = read_quickly(all, text, size);
  if (state == TK_CERTIFICATES_UNKNOWN) {
    forget(all);
    state = read_slowly(all, text, size);
  }
  if (state != TK_CERTIFICATES_READ) tk_certificates_free(all);
  return state;
}
