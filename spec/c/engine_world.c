#define _GNU_SOURCE
#include "engine_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory that runs out: the linker sends our own files' allocations here ---- */

long allocations_left = -1;

static int may_allocate(void) {
  if (allocations_left == 0) return 0;
  if (allocations_left > 0) allocations_left--;
  return 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size) { return may_allocate() ? __real_malloc(size) : NULL; }
void *__wrap_calloc(size_t count, size_t size) { return may_allocate() ? __real_calloc(count, size) : NULL; }
void *__wrap_realloc(void *memory, size_t size) { return may_allocate() ? __real_realloc(memory, size) : NULL; }

/* ---- a server and an engine for each test ---- */

tk_options options_for(const char *base_url) {
  tk_options options;
  memset(&options, 0, sizeof options);
  options.base_url = base_url;
  options.username = "";
  options.password = "key";
  options.connect_timeout = 10;
  options.max_response = 1000000;
  options.max_headers = 20000;
  return options;
}

int set_up(void **state) {
  char message[TK_MESSAGE_SIZE];
  world *w = (world *)calloc(1, sizeof *w);
  tk_options options;
  assert_null(tk_setup());
  w->server = server_start();
  snprintf(w->base_url, sizeof w->base_url, "http://127.0.0.1:%d", server_port(w->server));
  options = options_for(w->base_url);
  w->engine = tk_engine_new(&options, message);
  assert_non_null(w->engine);
  *state = w;
  return 0;
}

int tear_down(void **state) {
  world *w = (world *)*state;
  tk_engine_free(w->engine);
  server_stop(w->server);
  free(w);
  return 0;
}

tk_transfer *start(world *w, const char *target, double timeout) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_request request;
  tk_transfer *transfer;
  memset(&request, 0, sizeof request);
  request.method = "PUT";
  request.target = target;
  request.body = "{\"a\":1}";
  request.body_size = 7;
  request.timeout = timeout;
  transfer = tk_transfer_start(w->engine, &request, message);
  if (transfer == NULL) fail_msg("%s", message);
  return transfer;
}

const tk_result *finish(world *w, tk_transfer *transfer) {
  while (!tk_transfer_done(transfer)) tk_engine_wait(w->engine, 30);
  return tk_transfer_result(transfer);
}

void expect_body(const tk_result *result, const char *body) {
  assert_int_equal(result->reason, TK_OK);
  assert_int_equal(result->status, 200);
  assert_int_equal(result->body_size, strlen(body));
  assert_memory_equal(result->body, body, strlen(body));
}
