/* Which certificates are trusted: files that change are noticed, by threads, after forks and on old connections too. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/trust.c" /* for the store in it */
#include "certificates.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSTEM "/etc/ssl/certs/ca-certificates.crt"
#define PATIENCE 60

static tk_trust *new_trust(const char *path) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_trust *trust = tk_trust_new(path, message);
  if (trust == NULL) fail_msg("%s", message);
  return trust;
}

/* ---- changes ---- */

static void expect_trusted(tk_trust *trust, int of_one, int of_other, unsigned age) {
  assert_int_equal(refresh(trust), CURLE_OK);
  assert_int_equal(has(trust->store, one), of_one);
  assert_int_equal(has(trust->store, other), of_other);
  assert_int_equal(tk_trust_age(trust), age);
}

static void a_file_that_changes_is_read_again(void **state) {
  tk_trust *trust;
  char mark[sizeof trust->mark];
  (void)state;
  replace_file(file, one_pem);
  trust = new_trust(file);
  expect_trusted(trust, 1, 0, 0);
  strcpy(mark, trust->mark);
  replace_file(file, both_pem);
  expect_trusted(trust, 1, 1, 1);
  assert_string_not_equal(mark, trust->mark);
  expect_trusted(trust, 1, 1, 1);
  write_file(file, other_pem); /* in its place */
  expect_trusted(trust, 0, 1, 2);
  /* As it may not be read, nobody knows what it says. */
  assert_int_equal(unlink(file), 0);
  expect_trusted(trust, 0, 1, 2);
  assert_int_equal(mkdir(file, 0700), 0);
  expect_trusted(trust, 0, 1, 2);
  assert_int_equal(rmdir(file), 0);
  /* It may be read, and nobody is in it. */
  replace_file(file, "");
  assert_int_equal(refresh(trust), CURLE_SSL_CACERT_BADFILE);
  assert_int_equal(refresh(trust), CURLE_SSL_CACERT_BADFILE);
  replace_file(file, one_pem);
  expect_trusted(trust, 1, 0, 3);
  tk_trust_free(trust);
}

static void a_folder_that_changes_is_read_again(void **state) {
  char within[64], path[160], message[TK_MESSAGE_SIZE];
  tk_trust *trust;
  (void)state;
  snprintf(within, sizeof within, "%s/hashed", folder);
  snprintf(path, sizeof path, "%s/%08lx.0", within, X509_NAME_hash_ex(X509_get_subject_name(one), NULL, NULL, NULL));
  assert_int_equal(mkdir(within, 0700), 0);
  replace_file(file, other_pem);
  setenv("SSL_CERT_FILE", file, 1);
  setenv("SSL_CERT_DIR", within, 1);
  trust = tk_trust_new(NULL, message);
  expect_trusted(trust, 0, 1, 0);
  write_file(path, one_pem);
  expect_trusted(trust, 1, 1, 1);
  assert_int_equal(unlink(path), 0);
  expect_trusted(trust, 0, 1, 2);
  tk_trust_free(trust);
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  assert_int_equal(rmdir(within), 0);
}

static void the_environment_chooses(void **state) {
  char message[TK_MESSAGE_SIZE];
  tk_trust *trust;
  (void)state;
  replace_file(file, one_pem);
  setenv("SSL_CERT_DIR", "/nowhere", 1);
  setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
  setenv("CURL_CA_BUNDLE", file, 1);
  trust = tk_trust_new(NULL, message);
  expect_trusted(trust, 1, 0, 0);
  tk_trust_free(trust);
  setenv("SSL_CERT_FILE", file, 1);
  setenv("CURL_CA_BUNDLE", "", 1);
  trust = tk_trust_new(NULL, message);
  expect_trusted(trust, 1, 0, 0);
  tk_trust_free(trust);
  trust = new_trust(SYSTEM);
  assert_null(trust->folder);
  expect_trusted(trust, 0, 0, 0);
  tk_trust_free(trust);
  unsetenv("SSL_CERT_DIR");
  unsetenv("SSL_CERT_FILE");
  unsetenv("CURL_CA_BUNDLE");
}

/* The connections that were made with a store go on using it, and what it looks into. */
static void a_connection_outlives_the_store_and_its_owner(void **state) {
  SSL_CTX *early = SSL_CTX_new(TLS_client_method()), *late = SSL_CTX_new(TLS_client_method());
  tk_trust *trust;
  (void)state;
  replace_file(file, both_pem);
  trust = new_trust(file);
  SSL_CTX_set1_cert_store(early, trust->store);
  replace_file(file, other_pem);
  expect_trusted(trust, 0, 1, 1);
  SSL_CTX_set1_cert_store(late, trust->store);
  tk_trust_free(trust);
  assert_true(has(SSL_CTX_get_cert_store(early), one));
  assert_false(has(SSL_CTX_get_cert_store(late), one));
  SSL_CTX_free(early);
  SSL_CTX_free(late);
}

/* ---- forks and threads ---- */

static int exit_code_of(pid_t child) {
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Ends a child by exec: what it leaves to its parent would be reported as its leak. */
static void end_child(int well) {
  execl("/bin/sh", "sh", "-c", well ? "exit 0" : "exit 1", (char *)NULL);
  _exit(2);
}

/* A worker behind a chroot, say: what its parent has read is all there is. */
static void a_child_needs_the_file_no_more(void **state) {
  char message[TK_MESSAGE_SIZE];
  tk_trust *trust;
  pid_t child;
  (void)state;
  replace_file(file, one_pem);
  trust = new_trust(file);
  assert_int_equal(unlink(file), 0);
  fflush(NULL);
  child = fork();
  if (child == 0) {
    tk_trust *own = tk_trust_new(file, message);
    end_child(own != NULL && has(own->store, one) && has(trust->store, one) && !has(own->store, other));
  }
  assert_int_equal(exit_code_of(child), 0);
  tk_trust_free(trust);
  assert_null(tk_trust_new(file, message));
  assert_string_equal(message, "ca_file: cannot be read");
}

#define THREADS 4
#define ROUNDS 60

typedef struct worker {
  pthread_t thread;
  int number, well;
} worker;

/* One of them replaces the file, which always holds `one`. */
static void *work(void *data) {
  worker *w = (worker *)data;
  char message[TK_MESSAGE_SIZE];
  int i;
  for (i = 0; i < ROUNDS; i++) {
    tk_trust *trust = tk_trust_new(file, message);
    if (w->number == 0) replace_file(file, i % 2 == 0 ? both_pem : one_pem);
    if (trust == NULL || !has(trust->store, one)) break;
    if (refresh(trust) != CURLE_OK || !has(trust->store, one)) break;
    tk_trust_free(trust);
  }
  w->well = i == ROUNDS;
  return NULL;
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define FORKS 0 /* a fork leaves gcc's sanitizers locked if another thread was in them */
#else
#define FORKS 20
#endif

static void threads_share_bundles_while_the_process_forks(void **state) {
  worker workers[THREADS];
  int i;
  (void)state;
  replace_file(file, one_pem);
  for (i = 0; i < THREADS; i++) {
    workers[i].number = i;
    workers[i].well = 0;
    pthread_create(&workers[i].thread, NULL, work, &workers[i]);
  }
  for (i = 0; i < FORKS; i++) {
    pid_t child = fork();
    if (child == 0) {
      tk_bundle *bundle = NULL;
      alarm(PATIENCE);
      end_child(tk_bundle_join(file, &bundle) == TK_BUNDLE_READ);
    }
    assert_int_equal(exit_code_of(child), 0);
  }
  for (i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    assert_true(workers[i].well);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_that_changes_is_read_again),
    cmocka_unit_test(a_folder_that_changes_is_read_again),
    cmocka_unit_test(the_environment_chooses),
    cmocka_unit_test(a_connection_outlives_the_store_and_its_owner),
    cmocka_unit_test(a_child_needs_the_file_no_more),
    cmocka_unit_test(threads_share_bundles_while_the_process_forks),
  };
  unsetenv("CURL_CA_BUNDLE");
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  if (tk_setup() != NULL) return 2;
  return cmocka_run_group_tests_name("trust", tests, set_up_authorities, tear_down_authorities);
}
