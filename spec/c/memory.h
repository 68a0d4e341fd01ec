/* Memory that runs out when a test says so. Blocks are counted, so a test sees a leak without a sanitizer.

   Link with $(WRAP_MEMORY) of the Makefile: our own files' allocations are then served from here. */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#include <stddef.h>

typedef struct memory {
  long left;   /* allocations that succeed before the first that fails; negative: none fails */
  long fails;  /* how many fail then, one after the other; negative: all */
  long failed; /* how many have failed */
  long live;   /* blocks in use */
} memory;

extern memory own_memory;  /* of our own C files */
extern memory curl_memory; /* of libcurl */
extern memory ssl_memory;  /* of OpenSSL */
extern memory lua_memory;  /* of a Lua state with memory_for_lua as its allocator */

/* To be called before anything else sets libcurl up. */
void memory_serve_curl(void);

/* Likewise, before anything sets OpenSSL up. */
void memory_serve_openssl(void);

/* A lua_Alloc. Lua counts on shrinking, and each failure makes it collect garbage and ask once more. */
void *memory_for_lua(void *unused, void *block, size_t old_size, size_t new_size);

/* From now on: `left` allocations succeed, then `fails` fail. */
void memory_limit(memory *m, long left, long fails);
void memory_lift(memory *m);

long memory_live(memory *m);

/* How many more blocks are in use than `blocks`; 0 as soon as it is that many. Others are waited for: where libcurl lacks
   the memory to read a numeric address it asks a resolver thread, which gives its blocks back after the transfer's end. */
long memory_beyond(memory *m, long blocks);

/* How far apart the allocations are that fail in one run and in the next: OOM_STEP in the environment, else 1. More is
   for where runs are slow, under valgrind say. */
long memory_step(void);

#endif
