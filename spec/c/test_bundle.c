/* Certificates are looked up as OpenSSL finds them when it reads the same file, and nothing is lost or used after
   it was freed, with memory that runs out as well. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/trust.c" /* for the store in it */
#include "certificates.h"
#include "memory.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#define SYSTEM "/etc/ssl/certs/ca-certificates.crt"

static tk_trust *new_trust(const char *path) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_trust *trust = tk_trust_new(path, message);
  if (trust == NULL) fail_msg("%s", message);
  return trust;
}

static X509_STORE *openssls_store(const char *path) {
  X509_STORE *store = X509_STORE_new();
  assert_true(X509_STORE_load_locations(store, path, NULL));
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

static STACK_OF(X509_INFO) * openssls_list(const char *text) {
  BIO *input = BIO_new_mem_buf(text, -1);
  STACK_OF(X509_INFO) *list = PEM_X509_INFO_read_bio(input, NULL, NULL, NULL);
  BIO_free(input);
  return list;
}

static char *read_text(const char *path) {
  struct stat seen;
  size_t size;
  return tk_file_read(path, &seen, &size);
}

/* ---- what is found ---- */

static void the_systems_certificates_are_judged_as_by_openssl(void **state) {
  char *text = read_text(SYSTEM);
  EVP_PKEY *key;
  STACK_OF(X509_INFO) *list;
  X509_STORE *plain;
  tk_trust *trust;
  int i;
  (void)state;
  if (text == NULL) skip();
  key = new_key();
  list = openssls_list(text);
  plain = openssls_store(SYSTEM);
  trust = new_trust(SYSTEM);
  assert_true(sk_X509_INFO_num(list) > 50);
  assert_int_equal(tk_bundle_count(trust->bundle), sk_X509_INFO_num(list));
  for (i = 0; i < sk_X509_INFO_num(list); i++) {
    X509 *authority = sk_X509_INFO_value(list, i)->x509;
    X509 *forged = new_certificate("forged", X509_get_subject_name(authority), key, key);
    assert_true(has(trust->store, authority));
    assert_int_equal(verdict(trust->store, authority), verdict(plain, authority));
    assert_int_not_equal(verdict(trust->store, forged), X509_V_OK);
    assert_int_equal(verdict(trust->store, forged), verdict(plain, forged));
    X509_free(forged);
  }
  assert_false(has(trust->store, one));
  assert_int_equal(verdict(trust->store, one), verdict(plain, one));
  tk_trust_free(trust);
  X509_STORE_free(plain);
  sk_X509_INFO_pop_free(list, X509_INFO_free);
  EVP_PKEY_free(key);
  free(text);
}

/* Every certificate that OpenSSL finds in the text, and no other. */
static void expect_as_openssl(const char *name, const char *text) {
  STACK_OF(X509_INFO) *list = openssls_list(text);
  char message[TK_MESSAGE_SIZE] = "";
  X509_STORE *plain = X509_STORE_new();
  tk_trust *trust;
  size_t count = 0;
  int i;
  replace_file(file, text);
  trust = tk_trust_new(file, message);
  (void)X509_STORE_load_locations(plain, file, NULL);
  for (i = 0; i < sk_X509_INFO_num(list); i++) {
    X509 *certificate = sk_X509_INFO_value(list, i)->x509;
    if (certificate == NULL) continue;
    count++;
    if (trust == NULL || !has(trust->store, certificate)) fail_msg("%s: a certificate is not found", name);
    assert_int_equal(verdict(trust->store, certificate), verdict(plain, certificate));
  }
  if (trust == NULL) assert_string_equal(message, "ca_file: expected certificates in PEM");
  assert_int_equal(trust == NULL ? 0 : tk_bundle_count(trust->bundle), count);
  tk_trust_free(trust);
  X509_STORE_free(plain);
  sk_X509_INFO_pop_free(list, X509_INFO_free);
}

#define LONG_LINE "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static void every_form_of_a_bundle_is_read_as_by_openssl(void **state) {
  char *trusted = pem_of(one, 1), *cut = joined(both_pem, "");
  struct form {
    const char *name;
    char *text;
  } forms[] = {
    {"empty", joined("", "")},
    {"junk alone", joined("no certificate\n", "")},
    {"one", joined(one_pem, "")},
    {"two", joined(both_pem, "")},
    {"twice the same", joined(one_pem, one_pem)},
    {"comments", changed(both_pem, "-----BEGIN", "\n# Some Authority, T\xc3\xbcrkiye\n=====\n-----BEGIN")},
    {"a byte order mark", joined("\xef\xbb\xbf", both_pem)},
    {"CRLF", changed(both_pem, "\n", "\r\n")},
    {"CR alone", changed(both_pem, "\n", "\r")},
    {"blanks at the ends of lines", changed(both_pem, "\n", " \t\n")},
    {"blanks at the beginnings", changed(both_pem, "\n", "\n ")},
    {"empty lines within", changed(both_pem, "\n", "\n\n")},
    {"no end of the last line", changed(one_pem, "-----END CERTIFICATE-----\n", "-----END CERTIFICATE-----")},
    {"the old name", changed(both_pem, " CERTIFICATE", " X509 CERTIFICATE")},
    {"OpenSSL's own kind", joined(trusted, other_pem)},
    {"a list of revoked ones", changed(both_pem, " CERTIFICATE", " X509 CRL")},
    {"another kind first", joined("-----BEGIN CAT-----\nAAAA\n-----END CAT-----\n", both_pem)},
    {"a broken one of another kind", joined("-----BEGIN CAT-----\nA\n-----END CAT-----\n", both_pem)},
    {"an end of another kind", changed(one_pem, "END CERTIFICATE", "END CAT")},
    {"no end", changed(one_pem, "-----END CERTIFICATE-----", "")},
    {"headers", changed(one_pem, "BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE-----\nComment: x\n")},
    {"no base64", changed(both_pem, "M", "*")},
    {"a dash within", changed(both_pem, "M", "-")},
    {"padding within", changed(both_pem, "M", "=")},
    {"other bytes within", changed(both_pem, "M", "N")},
    {"long lines of junk", changed(both_pem, "-----BEGIN", LONG_LINE LONG_LINE LONG_LINE "\n-----BEGIN")},
    {"a beginning within a line", changed(both_pem, "-----BEGIN", "x-----BEGIN")},
    {"a long line that ends in one", changed(one_pem, "-----BEGIN", LONG_LINE LONG_LINE LONG_LINE "-----BEGIN")},
    {"all in one line", changed(one_pem, "\n", "")},
  };
  size_t i, size = strlen(cut);
  (void)state;
  for (i = 0; i < sizeof forms / sizeof *forms; i++) {
    expect_as_openssl(forms[i].name, forms[i].text);
    free(forms[i].text);
  }
  for (; size > 0; size -= size < 7 ? size : 7) {
    cut[size] = '\0';
    expect_as_openssl("cut", cut);
  }
  free(cut);
  free(trusted);
}

/* OpenSSL drops one of the two references that a lookup makes, so one too many would leave the certificate behind,
   one too few would free it twice. */
static void lookups_keep_count_of_references(void **state) {
  tk_trust *trust;
  X509_STORE_CTX *context;
  X509_OBJECT *found;
  long live;
  int i;
  (void)state;
  replace_file(file, both_pem);
  for (i = 0; i < 3; i++) { /* the first time makes what OpenSSL keeps */
    live = memory_live(&ssl_memory);
    trust = new_trust(file);
    context = asking(trust->store, one);
    found = X509_STORE_CTX_get_obj_by_subject(context, X509_LU_X509, X509_get_subject_name(one));
    assert_int_equal(X509_cmp(X509_OBJECT_get0_X509(found), one), 0);
    X509_OBJECT_free(found);
    assert_true(has(trust->store, one) && has(trust->store, other));
    X509_STORE_CTX_free(context);
    tk_trust_free(trust);
    if (i > 0) assert_int_equal(memory_live(&ssl_memory), live);
  }
}

/* nginx, for one, logs what others have left there as its own; and a handshake fails by it. */
static void nothing_stays_in_openssls_list_of_errors(void **state) {
  char *broken = changed(both_pem, "M", "N"), message[TK_MESSAGE_SIZE];
  tk_trust *trust;
  (void)state;
  ERR_clear_error();
  replace_file(file, broken);
  assert_null(tk_trust_new(file, message));
  assert_null(tk_trust_new("/nowhere/ca.pem", message));
  assert_null(tk_trust_new("/tmp", message));
  assert_int_equal(ERR_peek_error(), 0);
  replace_file(file, both_pem);
  trust = new_trust(file);
  tk_trust_free(trust);
  assert_int_equal(ERR_peek_error(), 0);
  free(broken);
}

/* ---- what it costs ---- */

#define PLENTY 1000000

/* Of OpenSSL, for judging `one` by a file that holds it and what else is in the text. */
static long allocations_with(const char *text) {
  char *whole = joined(text, one_pem);
  tk_trust *trust;
  long used;
  replace_file(file, whole);
  trust = new_trust(file);
  memory_limit(&ssl_memory, PLENTY, 0);
  assert_int_equal(verdict(trust->store, one), X509_V_OK);
  used = PLENTY - ssl_memory.left;
  memory_lift(&ssl_memory);
  tk_trust_free(trust);
  free(whole);
  return used;
}

/* All the others together take 18 ms, in one frame of a game. */
static void only_certificates_that_are_asked_for_are_parsed(void **state) {
  char *text = read_text(SYSTEM);
  (void)state;
  if (text == NULL) skip();
  (void)allocations_with(""); /* what OpenSSL makes once and keeps */
  assert_int_equal(allocations_with(text), allocations_with(""));
  free(text);
}

/* ---- every allocation in turn ---- */

/* 1: nothing failed. With the memory back, nobody is missing. */
static int life(memory *m, long left, long fails, const char *before, const char *after) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_trust *trust;
  int failed, well;
  replace_file(file, before);
  memory_limit(m, left, fails);
  trust = tk_trust_new(file, message);
  memory_lift(m);
  failed = m->failed > 0;
  if (trust == NULL) {
    assert_true(failed);
    /* OpenSSL's reader does not always tell why it gave up. */
    if (strcmp(message, "ca_file: expected certificates in PEM") != 0)
      assert_string_equal(message, "not enough memory");
    return 0;
  }
  if (!has(trust->store, one)) fail_msg("a certificate is missing");
  replace_file(file, after);
  memory_limit(m, failed ? -1 : left, fails);
  well = refresh(trust) == CURLE_OK;
  memory_lift(m);
  failed = failed || m->failed > 0;
  assert_true(well || failed);
  assert_int_equal(refresh(trust), CURLE_OK);
  if (has(trust->store, one) || !has(trust->store, other)) fail_msg("the change was not noticed");
  tk_trust_free(trust);
  return !failed;
}

static void exhaust(memory *m, const char *before, const char *after) {
  long fails, left, own, ssl;
  for (fails = 1; fails >= -1; fails -= 2) {
    int well = 0;
    for (left = 0; !well; left += memory_step()) {
      (void)life(m, left, fails, before, after); /* what OpenSSL makes once and keeps */
      ERR_clear_error();
      own = memory_live(&own_memory);
      ssl = memory_live(&ssl_memory);
      well = life(m, left, fails, before, after);
      ERR_clear_error();
      /* OpenSSL may let go of what it kept. */
      if (memory_live(&own_memory) != own || memory_live(&ssl_memory) > ssl)
        fail_msg("%ld and %ld blocks were left behind when allocation %ld failed", memory_live(&own_memory) - own,
                 memory_live(&ssl_memory) - ssl, left);
      assert_true(left < 5000);
    }
    assert_true(left > 3);
  }
}

static void any_allocation_may_fail(void **state) {
  char *slow = changed(one_pem, "-----BEGIN", "-----BEGIN CAT-----\nAAAA\n-----END CAT-----\n-----BEGIN");
  (void)state;
  (void)life(&own_memory, -1, 0, one_pem, other_pem);
  exhaust(&own_memory, one_pem, other_pem);
  exhaust(&ssl_memory, one_pem, other_pem);
  (void)life(&own_memory, -1, 0, slow, other_pem);
  exhaust(&own_memory, slow, other_pem);
  exhaust(&ssl_memory, slow, other_pem);
  free(slow);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_systems_certificates_are_judged_as_by_openssl),
    cmocka_unit_test(every_form_of_a_bundle_is_read_as_by_openssl),
    cmocka_unit_test(lookups_keep_count_of_references),
    cmocka_unit_test(nothing_stays_in_openssls_list_of_errors),
    cmocka_unit_test(only_certificates_that_are_asked_for_are_parsed),
    cmocka_unit_test(any_allocation_may_fail),
  };
  memory_serve_openssl();
  if (tk_setup() != NULL) return 2;
  return cmocka_run_group_tests_name("bundles", tests, set_up_authorities, tear_down_authorities);
}
