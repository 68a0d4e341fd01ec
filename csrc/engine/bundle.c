#define _POSIX_C_SOURCE 200809L

#include "engine/bundle.h"
#include "engine/bundle_read.h"
#include "engine/file.h"
#include "engine/platform.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct tk_bundle {
  tk_bundle *next; /* older ones of the same file come later */
  int users;
  char *file;
  struct stat seen;
  tk_certificates certificates;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tk_bundle *bundles;

/* A fork while another thread holds the lock would leave it locked in the child for ever. */
static void take_lock(void) { (void)pthread_mutex_lock(&lock); }
static void drop_lock(void) { (void)pthread_mutex_unlock(&lock); }
static void survive_forks(void) { (void)tk_at_fork(take_lock, drop_lock, drop_lock); }
static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

static void free_bundle(tk_bundle *bundle) {
  tk_certificates_free(&bundle->certificates);
  free(bundle->file);
  free(bundle);
}

static tk_bundle_state fill(tk_bundle *bundle, const char *file) {
  size_t size = 0;
  char *text = tk_file_read(file, &bundle->seen, &size);
  tk_bundle_state state = TK_BUNDLE_NO_MEMORY;
  if (text == NULL) return errno == ENOMEM ? TK_BUNDLE_NO_MEMORY : TK_BUNDLE_UNREADABLE;
  bundle->file = tk_text_copy(file);
  if (bundle->file != NULL) {
    switch (tk_certificates_read(&bundle->certificates, text, size)) {
      case TK_CERTIFICATES_READ: state = TK_BUNDLE_READ; break;
      case TK_CERTIFICATES_UNKNOWN: state = TK_BUNDLE_EMPTY; break;
      case TK_CERTIFICATES_NO_MEMORY: break;
    }
  }
  free(text);
  return state;
}

static tk_bundle_state read_bundle(const char *file, tk_bundle **made) {
  tk_bundle *bundle = (tk_bundle *)calloc(1, sizeof *bundle);
  tk_bundle_state state;
  int problem;
  if (bundle == NULL) return TK_BUNDLE_NO_MEMORY;
  state = fill(bundle, file);
  if (state == TK_BUNDLE_READ) {
    *made = bundle;
    return state;
  }
  problem = errno;
  free_bundle(bundle);
  errno = problem;
  return state;
}

/* The latest of a file, or the one that was read when the file was as `now` says. */
static tk_bundle *known(const char *file, const struct stat *now) {
  tk_bundle *bundle;
  for (bundle = bundles; bundle != NULL; bundle = bundle->next)
    if (strcmp(bundle->file, file) == 0 && (now == NULL || tk_file_is_same(&bundle->seen, now))) return bundle;
  return NULL;
}

/* With the lock held. */
static tk_bundle_state join(const char *file, tk_bundle **bundle) {
  struct stat now;
  tk_bundle_state state = TK_BUNDLE_UNREADABLE;
  if (stat(file, &now) == 0 && (*bundle = known(file, &now)) == NULL) {
    state = read_bundle(file, bundle);
    if (state == TK_BUNDLE_READ) {
      (*bundle)->next = bundles;
      bundles = *bundle;
    }
  }
  if (*bundle == NULL && state == TK_BUNDLE_UNREADABLE) *bundle = known(file, NULL);
  if (*bundle == NULL) return state;
  (*bundle)->users++;
  return TK_BUNDLE_READ;
}

tk_bundle_state tk_bundle_join(const char *file, tk_bundle **bundle) {
  tk_bundle_state state;
  *bundle = NULL;
  (void)pthread_once(&forks_once, survive_forks);
  /* Hosts such as nginx complain of what others leave in OpenSSL's list of errors. */
  (void)ERR_set_mark();
  take_lock();
  state = join(file, bundle);
  drop_lock();
  (void)ERR_pop_to_mark();
  return state;
}

tk_bundle *tk_bundle_share(tk_bundle *bundle) {
  take_lock();
  bundle->users++;
  drop_lock();
  return bundle;
}

void tk_bundle_leave(tk_bundle *bundle) {
  tk_bundle **link;
  if (bundle == NULL) return;
  take_lock();
  if (--bundle->users == 0) {
    for (link = &bundles; *link != bundle; link = &(*link)->next) continue;
    *link = bundle->next;
    free_bundle(bundle);
  }
  drop_lock();
}

int tk_bundle_is_current(tk_bundle *bundle) {
  struct stat now;
  return stat(bundle->file, &now) != 0 || tk_file_is_same(&bundle->seen, &now);
}

size_t tk_bundle_count(const tk_bundle *bundle) { return bundle->certificates.count; }

X509 *tk_bundle_find(const tk_bundle *bundle, const X509_NAME *subject, size_t *next) {
  const tk_certificates *all = &bundle->certificates;
  while (*next < all->count) {
    const tk_certificate *one = &all->list[(*next)++];
    const unsigned char *der = one->der;
    X509 *certificate;
    if (X509_NAME_cmp(one->subject, subject) != 0) continue;
    certificate = one->is_trusted ? d2i_X509_AUX(NULL, &der, (long)one->size) : d2i_X509(NULL, &der, (long)one->size);
    if (certificate != NULL) return certificate;
  }
  return NULL;
}
