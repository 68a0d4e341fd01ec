/* The engine when memory runs out: each allocation fails in turn, libcurl's as well as our own, until a whole run
   needs no more of them; once alone, and with all that follow. Each run comes to its end in time, leaves no block
   behind, and leaves an engine that works or says that it does not. Built a second time without epoll. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/internal.h"
#include "memory.h"
#include "server.h"
#include "tls_server.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Nothing here needs a second; what takes this long hangs. */
#define PATIENCE 20

/* What the engines here are pointed to. */
static server *the_server;
static char base_url[64];
static const char *ca_file, *key_file;
static const char *method = "PUT";

static tk_engine *new_engine(char message[TK_MESSAGE_SIZE]) {
  static const char *const headers[] = {"Timekit-App: app"};
  tk_options options;
  memset(&options, 0, sizeof options);
  options.base_url = base_url;
  options.username = "";
  options.password = "key";
  options.user_agent = "test";
  options.files.ca_file = options.files.cert_file = ca_file;
  options.files.key_file = key_file;
  options.proxy = method[0] == 'G' ? "" : "http://127.0.0.1:1"; /* not used for http, but checked and copied */
  options.headers = headers;
  options.header_count = 1;
  options.connect_timeout = 10;
  options.max_response = 1000000;
  options.max_headers = 20000;
  return tk_engine_new(&options, message);
}

static tk_transfer *start(tk_engine *engine, const char *target, char message[TK_MESSAGE_SIZE]) {
  static const char *const headers[] = {"X-One: 1"};
  tk_request request;
  memset(&request, 0, sizeof request);
  request.method = method;
  request.target = target;
  request.headers = headers;
  request.header_count = 1;
  if (method[0] == 'P') {
    request.body = "{\"a\":1}";
    request.body_size = 7;
  }
  request.timeout = PATIENCE;
  return tk_transfer_start(engine, &request, message);
}

static void expect_no_memory(const char *message) { assert_string_equal(message, "not enough memory"); }

/* ---- what is true of every transfer, however it ended ---- */

/* 1: it ended well. */
static int check(const tk_transfer *transfer) {
  const tk_result *result = tk_transfer_result(transfer);
  assert_non_null(result);
  if (result->reason == TK_OK) {
    assert_int_equal(result->status, 200);
    assert_int_equal(result->sent, TK_SENT_YES);
    return 1;
  }
  if (result->reason == TK_DEADLINE) fail_msg("it hung");
  /* In the middle of a head, want of memory cannot be told from a line that is too long for libcurl. */
  if (result->reason == TK_HEADER_LIMIT) assert_int_equal(result->code, CURLE_OUT_OF_MEMORY);
  else assert_true(result->reason == TK_MEMORY || result->reason == TK_CURL);
  assert_true(strlen(result->text) > 0 && strpbrk(result->text, "\r\n") == NULL);
  assert_true((result->status != 0) == (result->sent == TK_SENT_YES));
  return 0;
}

static void finish(tk_engine *engine, tk_transfer *transfer) {
  while (!tk_transfer_done(transfer)) tk_engine_wait(engine, PATIENCE);
}

/* A transfer that may fail, for want of memory only. */
static int may_transfer(tk_engine *engine, const char *target) {
  char message[TK_MESSAGE_SIZE] = "";
  int seen = server_seen(the_server), usable = tk_engine_usable(engine), well;
  tk_transfer *transfer = start(engine, target, message);
  if (transfer == NULL) {
    if (usable) expect_no_memory(message);
    assert_int_equal(server_seen(the_server), seen);
    return 0;
  }
  finish(engine, transfer);
  well = check(transfer);
  if (tk_transfer_result(transfer)->sent == TK_SENT_NO) assert_int_equal(server_seen(the_server), seen);
  tk_transfer_free(transfer);
  return well;
}

/* With memory back, an engine does what it says it can. */
static void expect_sound(tk_engine *engine) {
  char message[TK_MESSAGE_SIZE] = "";
  if (tk_engine_usable(engine)) {
    if (!may_transfer(engine, "/ok/after")) fail_msg("it says that it is usable, and is not");
  } else {
    assert_null(start(engine, "/ok/after", message));
    assert_string_equal(message, "the engine is not usable any more");
    assert_int_equal(tk_engine_pending(engine), 0);
  }
}

/* ---- the runs; each limits the memory by itself and lifts the limit. 1: everything went well ---- */

typedef struct limit {
  memory *memory;
  long left, fails;
} limit;

static void impose(const limit *l) { memory_limit(l->memory, l->left, l->fails); }

/* An engine is made, does one transfer, and is freed while memory is still short. */
static int whole_life(const limit *l) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_engine *engine;
  int well = 0;
  impose(l);
  engine = new_engine(message);
  if (engine == NULL) expect_no_memory(message);
  else well = may_transfer(engine, "/big/5000");
  tk_engine_free(engine);
  memory_lift(l->memory);
  return well;
}

/* As above, with the memory back in time for one more transfer. */
static int life_goes_on(const limit *l) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_engine *engine;
  int well = 0;
  impose(l);
  engine = new_engine(message);
  if (engine != NULL) well = may_transfer(engine, "/headers/100");
  memory_lift(l->memory);
  if (engine != NULL) expect_sound(engine);
  tk_engine_free(engine);
  return well;
}

/* On a connection that is kept, or was meant to be: the server closes it behind the first answer. Where that cannot be
   waited for, the second request may overtake it, and come to nothing with all the memory there is. */
static int second_transfer(const limit *l, const char *first, int closed) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_engine *engine = new_engine(message);
  struct pollfd look;
  int well;
  assert_non_null(engine);
  assert_true(may_transfer(engine, first));
  look.fd = tk_engine_fd(engine);
  look.events = POLLIN;
  if (closed) assert_true(poll(&look, 1, PATIENCE * 1000) > 0);
  impose(l);
  well = may_transfer(engine, "/big/100000"); /* more than the first one leaves room for */
  memory_lift(l->memory);
  expect_sound(engine);
  tk_engine_free(engine);
  return well;
}

static int kept_connection(const limit *l) { return second_transfer(l, "/ok/first", 0); }

static int closed_connection(const limit *l) { return second_transfer(l, "/last/first", 1); }

/* Memory runs out while several transfers are under way, and more are started. One of them is never answered, and
   cancelled; one is freed in flight; the engine may be freed with one in flight. */
static int in_the_middle(const limit *l) {
  static const char *const targets[] = {"/ok/0", "/big/100000", "/headers/50", "/ok/3", "/big/20000", "/ok/5"};
  enum { BEFORE = 3, COUNT = sizeof targets / sizeof *targets };
  char message[TK_MESSAGE_SIZE] = "";
  tk_engine *engine = new_engine(message);
  tk_transfer *transfers[COUNT], *never, *dropped, *left;
  int i, well = 1;
  assert_non_null(engine);
  never = start(engine, "/never", message);
  dropped = start(engine, "/never", message);
  for (i = 0; i < BEFORE; i++) transfers[i] = start(engine, targets[i], message);
  tk_engine_wait(engine, PATIENCE);
  impose(l);
  for (; i < COUNT; i++) {
    transfers[i] = tk_engine_usable(engine) ? start(engine, targets[i], message) : NULL;
    if (transfers[i] == NULL && tk_engine_usable(engine)) expect_no_memory(message);
  }
  tk_transfer_free(dropped);
  for (i = 0; i < COUNT; i++) {
    if (transfers[i] != NULL) finish(engine, transfers[i]);
    well = transfers[i] != NULL && check(transfers[i]) && well;
    tk_transfer_free(transfers[i]);
  }
  tk_transfer_cancel(never);
  assert_non_null(tk_transfer_result(never));
  well = tk_transfer_result(never)->reason == TK_CANCELLED && well;
  tk_transfer_free(never);
  left = tk_engine_usable(engine) ? start(engine, "/never", message) : NULL;
  memory_lift(l->memory);
  expect_sound(engine);
  tk_engine_free(engine);
  tk_transfer_free(left);
  return left != NULL && well;
}

/* A stream that asks as HTTP does. It ends well, or is over for want of memory. */
static int may_stream(tk_engine *engine) {
  static const char request[] = "GET /ok/stream HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
  char message[TK_MESSAGE_SIZE] = "";
  tk_stream_options options;
  tk_stream *stream;
  size_t size = 0;
  memset(&options, 0, sizeof options);
  options.url = base_url;
  options.ca_file = ca_file;
  options.connect_timeout = PATIENCE;
  options.max_input = 100000;
  stream = tk_stream_open(engine, &options, message);
  if (stream == NULL) {
    expect_no_memory(message);
    return 0;
  }
  (void)tk_stream_write(stream, request, sizeof request - 1);
  while (tk_stream_where(stream) != TK_STREAM_OVER && size < 12) {
    tk_engine_wait(engine, PATIENCE);
    (void)tk_stream_input(stream, &size);
  }
  if (tk_stream_where(stream) == TK_STREAM_OVER) assert_true(strlen(tk_stream_problem(stream)) > 0);
  (void)tk_stream_input(stream, &size);
  tk_stream_free(stream);
  return size >= 12;
}

/* Beside a transfer. */
static int a_life_with_a_stream(const limit *l) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_engine *engine;
  int well = 0;
  impose(l);
  engine = new_engine(message);
  if (engine != NULL) well = may_stream(engine);
  if (engine != NULL && tk_engine_usable(engine)) well = may_transfer(engine, "/ok/beside") && well;
  memory_lift(l->memory);
  if (engine != NULL) expect_sound(engine);
  if (engine != NULL && tk_engine_usable(engine)) assert_true(may_stream(engine));
  tk_engine_free(engine);
  return well;
}

/* ---- every allocation in turn ---- */

/* With a server of its own, as a connection to it costs a thread until the server stops. */
static int at(int (*run)(const limit *), const limit *l) {
  long own, curls;
  int well, descriptors = open_descriptors();
  memory_lift(l->memory); /* a test that failed has left it as it was */
  the_server = server_start();
  if (method[0] == 'P') snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", server_port(the_server));
  own = memory_live(&own_memory);
  curls = memory_live(&curl_memory);
  alarm(PATIENCE * 2); /* a loop without an end would not see its deadline */
  well = run(l);
  alarm(0);
  own = memory_beyond(&own_memory, own);
  curls = memory_beyond(&curl_memory, curls);
  if (own != 0 || curls != 0)
    fail_msg("%ld and %ld blocks were left behind when allocation %ld failed", own, curls, l->left);
  server_stop(the_server);
  if (open_descriptors() != descriptors) fail_msg("a descriptor was left open when allocation %ld failed", l->left);
  return well;
}

/* Until nothing fails any more. A run may do without what it asked for, as long as nobody is told a lie. */
static long at_every(int (*run)(const limit *), memory *memory, long fails) {
  limit l = {memory, 0, fails};
  int well;
  for (well = at(run, &l); memory->failed > 0; well = at(run, &l)) {
    l.left += memory_step();
    assert_true(l.left < 5000);
  }
  assert_true(well);
  return l.left;
}

static void exhaust(int (*run)(const limit *), long own_at_least, long curls_at_least) {
  assert_true(at_every(run, &own_memory, 1) > own_at_least);
  assert_true(at_every(run, &own_memory, -1) > own_at_least);
  assert_true(at_every(run, &curl_memory, 1) > curls_at_least);
  assert_true(at_every(run, &curl_memory, -1) > curls_at_least);
}

static void a_whole_life(void **state) {
  (void)state;
  exhaust(whole_life, 10, 50);
}

static void a_life_that_goes_on(void **state) {
  (void)state;
  exhaust(life_goes_on, 10, 50);
}

static void a_kept_connection(void **state) {
  (void)state;
  exhaust(kept_connection, 2, 10);
}

static void a_closed_connection(void **state) {
  (void)state;
  if (!TK_EPOLL) skip();
  exhaust(closed_connection, 2, 10);
}

static void several_transfers(void **state) {
  (void)state;
  exhaust(in_the_middle, 10, 50);
}

static void a_stream(void **state) {
  (void)state;
  exhaust(a_life_with_a_stream, 10, 50);
}

static tls_server tls;

static int start_tls(void **state) {
  *state = tls_server_start(&tls) ? &tls : NULL;
  snprintf(base_url, sizeof base_url, "https://127.0.0.1:%d", tls.port);
  ca_file = tls.ca_file;
  key_file = tls.key_file;
  method = "GET";
  return 0;
}

static int stop_tls(void **state) {
  if (*state != NULL) tls_server_stop(&tls);
  method = "PUT";
  ca_file = key_file = NULL;
  return 0;
}

static void over_tls(void **state) {
  if (*state == NULL) skip();
  exhaust(life_goes_on, 10, 50);
}

static void a_stream_over_tls(void **state) {
  if (*state == NULL) skip();
  exhaust(a_life_with_a_stream, 10, 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_whole_life),        cmocka_unit_test(a_life_that_goes_on), cmocka_unit_test(a_kept_connection),
    cmocka_unit_test(a_closed_connection), cmocka_unit_test(several_transfers),
    cmocka_unit_test(a_stream),
    cmocka_unit_test_setup_teardown(over_tls, start_tls, stop_tls),
    cmocka_unit_test_setup_teardown(a_stream_over_tls, start_tls, stop_tls),
  };
  memory_serve_curl();
  if (tk_setup() != NULL) return 2;
  return cmocka_run_group_tests_name("out of memory", tests, NULL, NULL);
}
