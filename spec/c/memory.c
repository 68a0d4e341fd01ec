#include "memory.h"

#include <assert.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What nobody has given back by now is lost. */
#define PATIENCE 20

/* libcurl's resolver threads allocate, too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

memory own_memory = {-1, 0, 0, 0};
memory curl_memory = {-1, 0, 0, 0};
memory ssl_memory = {-1, 0, 0, 0};
memory lua_memory = {-1, 0, 0, 0};

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static int gives(memory *m) {
  int given = 1;
  pthread_mutex_lock(&lock);
  if (m->left > 0) m->left--;
  else if (m->left == 0 && m->fails != 0) {
    if (m->fails > 0) m->fails--;
    m->failed++;
    given = 0;
  }
  pthread_mutex_unlock(&lock);
  return given;
}

static void count(memory *m, long blocks) {
  pthread_mutex_lock(&lock);
  m->live += blocks;
  pthread_mutex_unlock(&lock);
}

void memory_limit(memory *m, long left, long fails) {
  pthread_mutex_lock(&lock);
  m->left = left;
  m->fails = fails;
  m->failed = 0;
  pthread_mutex_unlock(&lock);
}

void memory_lift(memory *m) {
  pthread_mutex_lock(&lock);
  m->left = -1;
  pthread_mutex_unlock(&lock);
}

long memory_live(memory *m) {
  long blocks;
  pthread_mutex_lock(&lock);
  blocks = m->live;
  pthread_mutex_unlock(&lock);
  return blocks;
}

long memory_beyond(memory *m, long blocks) {
  time_t until = time(NULL) + PATIENCE;
  while (memory_live(m) != blocks && time(NULL) < until) sched_yield();
  return memory_live(m) - blocks;
}

long memory_step(void) {
  const char *text = getenv("OOM_STEP");
  long step = text == NULL ? 1 : atol(text);
  return step < 1 ? 1 : step;
}

static void *allocate(memory *m, void *block, size_t size) {
  void *moved = gives(m) ? __real_realloc(block, size) : NULL;
  if (moved != NULL && block == NULL) count(m, 1);
  return moved;
}

static void release(memory *m, void *block) {
  if (block != NULL) count(m, -1);
  __real_free(block);
}

static void *cleared(void *block, size_t size) {
  if (block != NULL) memset(block, 0, size);
  return block;
}

void *__wrap_malloc(size_t size) { return allocate(&own_memory, NULL, size); }
void *__wrap_calloc(size_t count, size_t size) { return cleared(allocate(&own_memory, NULL, count * size), count * size); }
void *__wrap_realloc(void *block, size_t size) { return allocate(&own_memory, block, size); }
void __wrap_free(void *block) { release(&own_memory, block); }

/* C++'s new and delete, by the names that they have in C: those of our C++ file and of simdjson count as our own. A size
   is an unsigned long (m) where it has 64 bits, and an unsigned int (j) where it has 32. */
#if SIZE_MAX > 0xffffffff
#define NEW _Znwm
#define NEW_NOTHROW _ZnwmRKSt9nothrow_t
#define NEW_ARRAY_NOTHROW _ZnamRKSt9nothrow_t
#define DELETE_SIZED _ZdlPvm
#else
#define NEW _Znwj
#define NEW_NOTHROW _ZnwjRKSt9nothrow_t
#define NEW_ARRAY_NOTHROW _ZnajRKSt9nothrow_t
#define DELETE_SIZED _ZdlPvj
#endif
void *NEW_NOTHROW(size_t size, const void *nothrow);
void *NEW_ARRAY_NOTHROW(size_t size, const void *nothrow);
void *NEW(size_t size);
void _ZdlPv(void *block);
void DELETE_SIZED(void *block, size_t size);
void _ZdaPv(void *block);

void *NEW_NOTHROW(size_t size, const void *nothrow) { return (void)nothrow, __wrap_malloc(size); }
void *NEW_ARRAY_NOTHROW(size_t size, const void *nothrow) { return (void)nothrow, __wrap_malloc(size); }
void _ZdlPv(void *block) { release(&own_memory, block); }
void DELETE_SIZED(void *block, size_t size) { (void)size, release(&own_memory, block); }
void _ZdaPv(void *block) { release(&own_memory, block); }

/* This one would have to throw. simdjson gives its variants their names with it, once in a process. */
void *NEW(size_t size) {
  void *block = __real_malloc(size);
  assert(block != NULL);
  return block;
}

static void *curl_malloc(size_t size) { return allocate(&curl_memory, NULL, size); }
static void *curl_calloc(size_t count, size_t size) { return cleared(curl_malloc(count * size), count * size); }
static void *curl_realloc(void *block, size_t size) { return allocate(&curl_memory, block, size); }
static void curl_release(void *block) { release(&curl_memory, block); }

static char *curl_copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = (char *)curl_malloc(size);
  if (copy != NULL) memcpy(copy, text, size);
  return copy;
}

void memory_serve_curl(void) {
  CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_release, curl_realloc, curl_copy, curl_calloc);
  assert(code == CURLE_OK);
  (void)code;
}

static void *ssl_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return size == 0 ? NULL : allocate(&ssl_memory, NULL, size);
}

static void ssl_free(void *block, const char *file, int line) {
  (void)file, (void)line;
  release(&ssl_memory, block);
}

static void *ssl_realloc(void *block, size_t size, const char *file, int line) {
  if (size > 0) return allocate(&ssl_memory, block, size);
  ssl_free(block, file, line);
  return NULL;
}

void memory_serve_openssl(void) {
  int served = CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free);
  assert(served);
  (void)served;
}

void *memory_for_lua(void *unused, void *block, size_t old_size, size_t new_size) {
  (void)unused;
  if (new_size == 0) {
    release(&lua_memory, block);
    return NULL;
  }
  if (block != NULL && new_size <= old_size) return __real_realloc(block, new_size);
  return allocate(&lua_memory, block, new_size);
}
