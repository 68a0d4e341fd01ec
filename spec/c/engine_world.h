/* What the tests of the engine share: a server and an engine for each test, and memory that runs out. */
#ifndef TK_ENGINE_WORLD_H
#define TK_ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/internal.h"
#include "server.h"

/* How many of our own files' allocations still succeed; negative: all. The linker sends them here. */
extern long allocations_left;

typedef struct world {
  server *server;
  tk_engine *engine;
  char base_url[64];
} world;

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
int set_up(void **state);
int tear_down(void **state);

tk_options options_for(const char *base_url);

/* Starts a PUT, and waits for the end of one. */
tk_transfer *start(world *w, const char *target, double timeout);
const tk_result *finish(world *w, tk_transfer *transfer);

void expect_body(const tk_result *result, const char *body);

#endif
