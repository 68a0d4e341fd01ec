#define _GNU_SOURCE /* secure_getenv */

#include "engine/trust.h"
#include "engine/bundle.h"
#include "engine/internal.h"
#include "engine/file.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(LIBRESSL_VERSION_NUMBER) || defined(OPENSSL_IS_BORINGSSL) || defined(OPENSSL_IS_AWSLC) || \
  OPENSSL_VERSION_NUMBER < 0x10101000L || defined(TK_NO_LAZY_TRUST)
#define TK_LAZY_TRUST 0
#else
#define TK_LAZY_TRUST 1
#endif

#define NO_FOLDER "/dev/null"

struct tk_trust {
  char *file, *folder; /* NULL: none; both NULL: libcurl has a way of its own, which it does not report */
  int is_ours;
  tk_bundle *bundle;    /* what `store` looks into; NULL: there was no such file */
  unsigned long long folder_stamp; /* when `store` was made */
  X509_STORE *store;
  unsigned age;
  char mark[24]; /* the path of a folder that does not exist; each age has another */
};

/* ---- which file and folder ---- */

/* Privileged programs do not let the environment choose. An empty variable says nothing. */
static const char *from_environment(const char *name) {
#if defined(__linux__)
  const char *value = secure_getenv(name);
#elif defined(_WIN32)
  const char *value = getenv(name);
#else
  const char *value = issetugid() ? NULL : getenv(name);
#endif
  return value != NULL && *value != '\0' ? value : NULL;
}

static int choose(tk_trust *trust, const char *ca_file) {
  const curl_version_info_data *system = curl_version_info(CURLVERSION_NOW);
  const char *file = ca_file, *folder = NULL;
  if (ca_file == NULL) {
    if ((file = from_environment("CURL_CA_BUNDLE")) == NULL && (file = from_environment("SSL_CERT_FILE")) == NULL)
      file = system->cainfo;
    if ((folder = from_environment("SSL_CERT_DIR")) == NULL) folder = system->capath;
  }
  if (file != NULL && (trust->file = tk_text_copy(file)) == NULL) return 0;
  return folder == NULL || (trust->folder = tk_text_copy(folder)) != NULL;
}

/* An SSL_CTX of another copy of OpenSSL must not be touched. */
static int is_our_openssl(void) {
#if TK_LAZY_TRUST
  static const char name[] = "OpenSSL/";
  const char *theirs = curl_version_info(CURLVERSION_NOW)->ssl_version;
  const char *ours = strchr(OpenSSL_version(OPENSSL_VERSION), ' '); /* "OpenSSL 3.0.19 27 Jan 2026" */
  size_t size;
  if (theirs == NULL || strncmp(theirs, name, sizeof name - 1) != 0 || ours == NULL) return 0;
  theirs += sizeof name - 1;
  size = strcspn(++ours, " ");
  return strlen(theirs) == size && memcmp(theirs, ours, size) == 0;
#else
  return 0;
#endif
}

#if TK_LAZY_TRUST

/* ---- the store ---- */

#if OPENSSL_VERSION_NUMBER < 0x30000000L
typedef X509_NAME lookup_name;
#else
typedef const X509_NAME lookup_name;
#endif

/* OpenSSL looks for a certificate that is not in the store yet. All of that subject go into it. What a broken
   certificate leaves in the list of errors would make OpenSSL take the handshake for failed. */
static int by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, lookup_name *name, X509_OBJECT *found) {
  const tk_bundle *bundle = (const tk_bundle *)X509_LOOKUP_get_method_data(lookup);
  X509 *first = NULL, *certificate;
  size_t next = 0;
  int is_found = 0;
  if (type != X509_LU_X509 || bundle == NULL) return 0;
  (void)ERR_set_mark();
  while ((certificate = tk_bundle_find(bundle, name, &next)) != NULL) {
    (void)X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate);
    if (first == NULL) first = certificate;
    else X509_free(certificate);
  }
  if (first != NULL && X509_OBJECT_set1_X509(found, first)) {
    is_found = 1;
    X509_free(first); /* OpenSSL takes a reference of its own and forgets that of `found` */
  }
  X509_free(first);
  (void)ERR_pop_to_mark();
  return is_found;
}

/* The store holds the bundle, since connections may use the store for longer than the engine does. */
static void let_go(X509_LOOKUP *lookup) { tk_bundle_leave((tk_bundle *)X509_LOOKUP_get_method_data(lookup)); }

static X509_LOOKUP_METHOD *method; /* written by tk_trust_setup only */

static int look_into(X509_STORE *store, tk_bundle *bundle) {
  X509_LOOKUP *lookup = X509_STORE_add_lookup(store, method);
  return lookup != NULL && X509_LOOKUP_set_method_data(lookup, tk_bundle_share(bundle));
}

/* With the flags that libcurl gives its own. NULL: no memory. */
static X509_STORE *new_store(const tk_trust *trust, tk_bundle *bundle) {
  X509_STORE *store = X509_STORE_new();
  if (store == NULL) return NULL;
  if ((bundle == NULL || look_into(store, bundle)) &&
      (trust->folder == NULL || X509_STORE_load_locations(store, NULL, trust->folder)) &&
      X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN))
    return store;
  X509_STORE_free(store);
  return NULL;
}

/* ---- changes ---- */

/* Certificates come and go in a folder by files that are made and removed, which changes the folder. 0: there is
   none. */
static unsigned long long stamp_of_folder(const tk_trust *trust) {
  return trust->folder == NULL ? 0 : tk_folders_stamp(trust->folder);
}

/* A file that cannot be seen any more, from within a chroot say, has not changed. */
static int is_current(const tk_trust *trust, unsigned long long folder_stamp) {
  if (folder_stamp != trust->folder_stamp) return 0;
  if (trust->bundle != NULL) return tk_bundle_is_current(trust->bundle);
  return trust->file == NULL || access(trust->file, R_OK) != 0;
}

/* Makes a new store if the trusted certificates have changed. On failure everything stays as it was. */
static tk_bundle_state renew(tk_trust *trust, unsigned long long folder_stamp) {
  tk_bundle *bundle = NULL;
  tk_bundle_state state = trust->file == NULL ? TK_BUNDLE_UNREADABLE : tk_bundle_join(trust->file, &bundle);
  X509_STORE *store;
  if (state == TK_BUNDLE_EMPTY || state == TK_BUNDLE_NO_MEMORY) return state;
  if (trust->store != NULL && bundle == trust->bundle && folder_stamp == trust->folder_stamp) {
    tk_bundle_leave(bundle);
    return state;
  }
  store = new_store(trust, bundle);
  if (store == NULL) {
    tk_bundle_leave(bundle);
    return TK_BUNDLE_NO_MEMORY;
  }
  if (trust->store != NULL) snprintf(trust->mark, sizeof trust->mark, NO_FOLDER "/%u", ++trust->age);
  X509_STORE_free(trust->store);
  tk_bundle_leave(trust->bundle);
  trust->store = store;
  trust->bundle = bundle;
  trust->folder_stamp = folder_stamp;
  return state;
}

static CURLcode refresh(tk_trust *trust) {
  unsigned long long folder_stamp = stamp_of_folder(trust);
  if (is_current(trust, folder_stamp)) return CURLE_OK;
  switch (renew(trust, folder_stamp)) {
    case TK_BUNDLE_NO_MEMORY: return CURLE_OUT_OF_MEMORY;
    case TK_BUNDLE_EMPTY: return CURLE_SSL_CACERT_BADFILE;
    case TK_BUNDLE_READ: case TK_BUNDLE_UNREADABLE: break;
  }
  return CURLE_OK;
}

/* libcurl is about to shake hands. A session of an earlier age may be under way already, so such a try ends here,
   and its transfer starts anew. Streams are no transfers, and resume no sessions. */
static CURLcode apply(CURL *easy, void *context, void *data) {
  tk_trust *trust = (tk_trust *)data;
  SSL_CTX *ctx = (SSL_CTX *)context;
  CURLcode code = refresh(trust);
  char *transfer = NULL;
  if (code != CURLE_OK) return code;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  if (transfer != NULL && tk_transfer_is_outdated((tk_transfer *)(void *)transfer)) return CURLE_ABORTED_BY_CALLBACK;
  if (trust->bundle == NULL && trust->folder_stamp == 0) return CURLE_SSL_CACERT_BADFILE;
  SSL_CTX_set1_cert_store(ctx, trust->store);
  (void)SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET); /* else TLS 1.2 with tickets never resumes a session */
  return CURLE_OK;
}

/* The first one in a process costs 1 ms, which is better spent here than in a frame. */
static void warm_up(void) { SSL_CTX_free(SSL_CTX_new(TLS_client_method())); }
static pthread_once_t warm_once = PTHREAD_ONCE_INIT;

#endif

/* ---- the engine's face ---- */

int tk_trust_setup(void) {
#if TK_LAZY_TRUST
  method = X509_LOOKUP_meth_new("timekit's bundle");
  return method != NULL && X509_LOOKUP_meth_set_get_by_subject(method, by_subject) &&
         X509_LOOKUP_meth_set_free(method, let_go);
#else
  return 1;
#endif
}

static const char *prepare(tk_trust *trust, const char *ca_file) {
#if TK_LAZY_TRUST
  if (trust->is_ours) {
    tk_bundle_state state;
    (void)ERR_set_mark();
    (void)pthread_once(&warm_once, warm_up);
    state = renew(trust, stamp_of_folder(trust));
    (void)ERR_pop_to_mark();
    if (state == TK_BUNDLE_NO_MEMORY) return "not enough memory";
    /* If no option named the file, nobody is told now: each connection will fail and say why. */
    if (ca_file != NULL && state == TK_BUNDLE_EMPTY) return "ca_file: expected certificates in PEM";
    if (ca_file != NULL && state == TK_BUNDLE_UNREADABLE) return "ca_file: cannot be read";
    return NULL;
  }
#else
  (void)trust;
#endif
  return ca_file != NULL && access(ca_file, R_OK) != 0 ? "ca_file: cannot be read" : NULL;
}

tk_trust *tk_trust_new(const char *ca_file, char message[TK_MESSAGE_SIZE]) {
  tk_trust *trust = (tk_trust *)calloc(1, sizeof *trust);
  const char *problem = "not enough memory";
  if (trust != NULL && choose(trust, ca_file)) {
    trust->is_ours = (trust->file != NULL || trust->folder != NULL) && is_our_openssl();
    strcpy(trust->mark, NO_FOLDER);
    problem = prepare(trust, ca_file);
  }
  if (problem == NULL) return trust;
  snprintf(message, TK_MESSAGE_SIZE, "%s", problem);
  tk_trust_free(trust);
  return NULL;
}

void tk_trust_free(tk_trust *trust) {
  if (trust == NULL) return;
#if TK_LAZY_TRUST
  X509_STORE_free(trust->store);
  tk_bundle_leave(trust->bundle);
#endif
  free(trust->file);
  free(trust->folder);
  free(trust);
}

int tk_trust_is_ours(const tk_trust *trust) { return trust->is_ours; }

unsigned tk_trust_age(const tk_trust *trust) { return trust->age; }

static int is_set(CURLcode code) {
  /* A libcurl without proxies has none of their options. */
  return code == CURLE_OK || code == CURLE_NOT_BUILT_IN || code == CURLE_UNKNOWN_OPTION;
}

/* libcurl compares these paths before it uses a connection or a session again. */
int tk_trust_mark(CURL *easy, const tk_trust *trust) {
  return curl_easy_setopt(easy, CURLOPT_CAPATH, trust->mark) == CURLE_OK &&
         is_set(curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, trust->mark));
}

static int set_paths(CURL *easy, const char *file, const char *folder) {
  return curl_easy_setopt(easy, CURLOPT_CAINFO, file) == CURLE_OK &&
         is_set(curl_easy_setopt(easy, CURLOPT_CAPATH, folder)) &&
         is_set(curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file)) &&
         is_set(curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, folder));
}

#if TK_LAZY_TRUST
/* libcurl gets no file to read, for an https proxy neither: it would add its certificates to our store. The mark, a
   folder that does not exist, keeps libcurl 7.88.0 to 8.2.1 from replacing our store by one of its own, and other
   versions from using OpenSSL's defaults. */
static int set_ours(CURL *easy, tk_trust *trust) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, apply);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, trust);
  if (code == CURLE_OK) return set_paths(easy, NULL, NULL) && tk_trust_mark(easy, trust);
  if (!is_set(code)) return 0;
  trust->is_ours = 0;
  return 1;
}
#endif

int tk_trust_set(CURL *easy, tk_trust *trust) {
#if TK_LAZY_TRUST
  if (trust->is_ours && !set_ours(easy, trust)) return 0;
#endif
  if (trust->is_ours || (trust->file == NULL && trust->folder == NULL)) return 1;
#if LIBCURL_VERSION_NUM >= 0x075700
  /* A minute is how long a certificate that was taken out of a file may go on counting. */
  if (!is_set(curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 60L))) return 0;
#endif
  return set_paths(easy, trust->file, trust->folder);
}

void tk_trust_explain(const tk_trust *trust, char *text, size_t size) {
  const char *file = trust->file != NULL ? trust->file : trust->folder != NULL ? trust->folder : "the system's";
  snprintf(text, size, "no certificates to trust can be read from %s", file);
}
