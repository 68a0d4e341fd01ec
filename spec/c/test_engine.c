/* The engine without Lua, against a real server. Built a second time without epoll. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/internal.h"
#include "server.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- memory that runs out: the linker sends our own files' allocations here ---- */

static long allocations_left = -1; /* negative: no limit */

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

typedef struct world {
  server *server;
  tk_engine *engine;
  char base_url[64];
} world;

static tk_options options_for(const char *base_url) {
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

static int set_up(void **state) {
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

static int tear_down(void **state) {
  world *w = (world *)*state;
  tk_engine_free(w->engine);
  server_stop(w->server);
  free(w);
  return 0;
}

static tk_transfer *start(world *w, const char *target, double timeout) {
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

static const tk_result *finish(world *w, tk_transfer *transfer) {
  while (!tk_transfer_done(transfer)) tk_engine_wait(w->engine, 30);
  return tk_transfer_result(transfer);
}

static void expect_body(const tk_result *result, const char *body) {
  assert_int_equal(result->reason, TK_OK);
  assert_int_equal(result->status, 200);
  assert_int_equal(result->body_size, strlen(body));
  assert_memory_equal(result->body, body, strlen(body));
}

/* ---- the buffer ---- */

static void buffer_keeps_its_limit(void **state) {
  tk_buffer buffer = {NULL, 0, 0};
  (void)state;
  assert_int_equal(tk_buffer_append(&buffer, "12345", 5, 10), TK_APPENDED);
  assert_int_equal(tk_buffer_append(&buffer, "678901", 6, 10), TK_OVER_LIMIT);
  assert_int_equal(buffer.size, 5);
  assert_int_equal(tk_buffer_append(&buffer, "67890", 5, 10), TK_APPENDED);
  assert_memory_equal(buffer.data, "1234567890", 10);
  allocations_left = 0;
  assert_int_equal(tk_buffer_append(&buffer, "x", (size_t)-1 / 2, (size_t)-1), TK_NO_MEMORY);
  allocations_left = -1;
  assert_int_equal(buffer.size, 10);
  tk_buffer_free(&buffer);
}

/* ---- one transfer ---- */

static void a_transfer_reports(void **state) {
  world *w = (world *)*state;
  tk_transfer *transfer = start(w, "/ok/one", 30);
  const tk_result *result;
  assert_null(tk_transfer_result(transfer));
  assert_int_equal(tk_engine_pending(w->engine), 1);
  result = finish(w, transfer);
  expect_body(result, "one");
  assert_int_equal(result->sent, TK_SENT_YES);
  assert_int_equal(result->reused, 0);
  assert_int_equal(result->http_version, 11);
  assert_string_equal(result->text, "");
  assert_true(result->times.total > 0 && result->times.first_byte <= result->times.total);
  assert_int_equal(tk_engine_pending(w->engine), 0);
  tk_transfer_free(transfer);

  transfer = start(w, "/ok/two", 30);
  result = finish(w, transfer);
  expect_body(result, "two");
  assert_int_equal(result->reused, 1);
  tk_transfer_free(transfer);
}

static void a_lost_connection_is_not_sent_again(void **state) {
  world *w = (world *)*state;
  tk_transfer *first = start(w, "/ok/x", 30), *second;
  const tk_result *result;
  expect_body(finish(w, first), "x");
  tk_transfer_free(first);
  second = start(w, "/die", 30);
  result = finish(w, second);
  assert_int_equal(result->reason, TK_RESEND);
  assert_int_equal(result->sent, TK_SENT_MAYBE);
  assert_int_equal(result->reused, 1);
  assert_int_equal(server_seen(w->server), 2);
  tk_transfer_free(second);

  first = start(w, "/die", 30);
  result = finish(w, first);
  assert_int_equal(result->reason, TK_CURL);
  assert_int_equal(result->code, CURLE_GOT_NOTHING);
  assert_int_equal(result->sent, TK_SENT_MAYBE);
  assert_true(server_seen(w->server) <= 3);
  tk_transfer_free(first);
}

/* Readable also when an idle connection ends, so there is no need to guess when the server has closed. */
static int wait_for_something(world *w) {
  struct pollfd look;
  look.fd = tk_engine_fd(w->engine);
  look.events = POLLIN;
  return look.fd >= 0 && poll(&look, 1, 30000) > 0;
}

static void an_expired_connection_is_no_error(void **state) {
  world *w = (world *)*state;
  int i;
  for (i = 1; i <= 20; i++) {
    tk_transfer *transfer = start(w, "/last/y", 30);
    const tk_result *result = finish(w, transfer);
    int known = i == 1 || tk_engine_fd(w->engine) >= 0;
    /* Where the close may overtake the request nobody can know, and nothing is repeated. */
    if (known || result->reason == TK_OK) expect_body(result, "y");
    else assert_int_equal(result->sent, TK_SENT_MAYBE);
    tk_transfer_free(transfer);
    assert_true(server_seen(w->server) <= i);
    if (tk_engine_fd(w->engine) >= 0) assert_true(wait_for_something(w));
  }
}

static void the_deadline_ends_a_transfer(void **state) {
  world *w = (world *)*state;
  tk_transfer *late = start(w, "/never", 0.05), *later = start(w, "/never", 0.1);
  const tk_result *result = finish(w, late);
  assert_int_equal(result->reason, TK_DEADLINE);
  assert_int_equal(result->code, CURLE_OPERATION_TIMEDOUT);
  assert_string_equal(result->text, "no complete answer within 0.05 seconds");
  assert_true(result->times.total >= 0.05);
  assert_int_equal(finish(w, later)->sent, TK_SENT_MAYBE);
  tk_transfer_free(late);
  tk_transfer_free(later);
}

static void limits_hold(void **state) {
  static const struct {
    const char *target;
    tk_reason reason;
  } cases[] = {{"/big/1000000", TK_OK},
               {"/big/1000001", TK_BODY_LIMIT},
               {"/headers/100", TK_OK},
               {"/headers/100000", TK_HEADER_LIMIT},
               {"/interim", TK_HEADER_LIMIT}};
  world *w = (world *)*state;
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tk_transfer *transfer = start(w, cases[i].target, 30);
    const tk_result *result = finish(w, transfer);
    assert_int_equal(result->reason, cases[i].reason);
    assert_int_equal(result->sent, strcmp(cases[i].target, "/interim") == 0 ? TK_SENT_MAYBE : TK_SENT_YES);
    assert_true(result->body_size <= 1000000);
    tk_transfer_free(transfer);
  }
}

static void nothing_is_sent_to_a_closed_port(void **state) {
  world *w = (world *)*state;
  char message[TK_MESSAGE_SIZE], base_url[64];
  server *gone = server_start();
  tk_options options;
  tk_engine *engine;
  tk_transfer *transfer;
  tk_request request;
  snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", server_port(gone));
  server_stop(gone);
  options = options_for(base_url);
  engine = tk_engine_new(&options, message);
  memset(&request, 0, sizeof request);
  request.method = "GET";
  request.target = "/";
  request.timeout = 30;
  transfer = tk_transfer_start(engine, &request, message);
  while (!tk_transfer_done(transfer)) tk_engine_wait(engine, 30);
  assert_int_equal(tk_transfer_result(transfer)->code, CURLE_COULDNT_CONNECT);
  assert_int_equal(tk_transfer_result(transfer)->sent, TK_SENT_NO);
  tk_transfer_free(transfer);
  tk_engine_free(engine);
  (void)w;
}

/* ---- many transfers, and their ends ---- */

static void many_at_once_are_not_mixed_up(void **state) {
  enum { COUNT = 200 };
  world *w = (world *)*state;
  tk_transfer *transfers[COUNT];
  char target[32];
  int i;
  for (i = 0; i < COUNT; i++) {
    snprintf(target, sizeof target, "/ok/%d", i);
    transfers[i] = start(w, target, 30);
  }
  while (tk_engine_wait(w->engine, 30) > 0) continue;
  for (i = 0; i < COUNT; i++) {
    snprintf(target, sizeof target, "%d", i);
    expect_body(tk_transfer_result(transfers[i]), target);
    tk_transfer_free(transfers[i]);
  }
  assert_int_equal(server_seen(w->server), COUNT);
}

static void cancelling_ends_one_and_leaves_the_others(void **state) {
  world *w = (world *)*state;
  tk_transfer *one = start(w, "/never", 30), *other = start(w, "/ok/z", 30);
  tk_transfer_cancel(one);
  assert_int_equal(tk_transfer_result(one)->reason, TK_CANCELLED);
  tk_transfer_cancel(one);
  expect_body(finish(w, other), "z");
  tk_transfer_cancel(other);
  assert_int_equal(tk_transfer_result(other)->reason, TK_OK);
  tk_transfer_free(one);
  tk_transfer_free(other);
}

static void freeing_the_engine_ends_its_transfers(void **state) {
  world *w = (world *)*state;
  tk_transfer *kept = start(w, "/never", 30);
  tk_transfer_free(start(w, "/never", 30));
  tk_engine_free(w->engine);
  w->engine = NULL;
  assert_int_equal(tk_transfer_result(kept)->reason, TK_CLOSED);
  tk_transfer_free(kept);
}

static void deadlines_come_in_order_whatever_is_cancelled(void **state) {
  enum { COUNT = 60 };
  world *w = (world *)*state;
  tk_transfer *transfers[COUNT];
  int i;
  for (i = 0; i < COUNT; i++) transfers[i] = start(w, "/never", 0.05 + 0.001 * ((i * 37) % COUNT));
  for (i = 0; i < COUNT; i += 3) tk_transfer_cancel(transfers[i]);
  while (tk_engine_wait(w->engine, 30) > 0) continue;
  for (i = 0; i < COUNT; i++) {
    assert_int_equal(tk_transfer_result(transfers[i])->reason, i % 3 == 0 ? TK_CANCELLED : TK_DEADLINE);
    tk_transfer_free(transfers[i]);
  }
}

static void one_descriptor_tells_all(void **state) {
  world *w = (world *)*state;
  tk_transfer *transfer;
  struct pollfd look;
  if (tk_engine_fd(w->engine) < 0) skip();
  transfer = start(w, "/ok/fd", 30);
  look.fd = tk_engine_fd(w->engine);
  look.events = POLLIN;
  while (!tk_transfer_done(transfer)) {
    assert_true(poll(&look, 1, 30000) > 0);
    tk_engine_step(w->engine);
  }
  expect_body(tk_transfer_result(transfer), "fd");
  tk_transfer_free(transfer);
  transfer = start(w, "/never", 0.05);
  assert_true(tk_engine_timeout(w->engine) >= 0);
  while (!tk_transfer_done(transfer)) {
    assert_true(poll(&look, 1, 30000) > 0);
    tk_engine_step(w->engine);
  }
  assert_int_equal(tk_transfer_result(transfer)->reason, TK_DEADLINE);
  tk_transfer_free(transfer);
}

/* Whatever is in the list when a transfer is freed is gone from it. */
static void ends_are_told_once_and_in_order(void **state) {
  enum { COUNT = 30 };
  world *w = (world *)*state;
  tk_transfer *transfers[COUNT], *told;
  int i, seen = 0;
  double last = 0;
  /* Late enough for all of them to have been sent by then, also under valgrind. */
  for (i = 0; i < COUNT; i++) transfers[i] = start(w, "/never", 1 + 0.005 * ((i * 7) % COUNT));
  assert_null(tk_engine_finished(w->engine));
  while (tk_engine_wait(w->engine, 30) > 0) continue;
  tk_transfer_free(transfers[0]);
  while ((told = tk_engine_finished(w->engine)) != NULL) {
    for (i = 1; i < COUNT && transfers[i] != told; i++) continue;
    assert_true(i < COUNT);
    assert_true(told->deadline >= last);
    last = told->deadline;
    seen++;
  }
  assert_int_equal(seen, COUNT - 1);
  for (i = 1; i < COUNT; i++) tk_transfer_free(transfers[i]);
  assert_null(tk_engine_finished(w->engine));
  told = start(w, "/never", 30);
  tk_transfer_cancel(told);
  assert_ptr_equal(tk_engine_finished(w->engine), told);
  tk_engine_free(w->engine);
  w->engine = NULL;
  tk_transfer_free(told);
}

/* With nothing in flight it is the host's alarm alone that ends a wait and shows in the descriptor, once. */
static void an_alarm_is_an_event(void **state) {
  world *w = (world *)*state;
  struct pollfd look;
  double began = tk_now(), when = began + 0.05;
  tk_engine_wait(w->engine, 30); /* nothing to wait for */
  tk_engine_alarm(w->engine, when + 1000);
  tk_engine_alarm(w->engine, when);
  while (tk_engine_timeout(w->engine) >= 0) tk_engine_wait(w->engine, 30);
  assert_true(tk_now() >= when);
  assert_true(tk_now() < began + 25);
  tk_engine_alarm(w->engine, tk_now() + 1000);
  tk_engine_alarm(w->engine, -1);
  assert_true(tk_engine_timeout(w->engine) < 0);
  if (tk_engine_fd(w->engine) < 0) return;
  look.fd = tk_engine_fd(w->engine);
  look.events = POLLIN;
  while (poll(&look, 1, 0) > 0) tk_engine_step(w->engine);
  tk_engine_alarm(w->engine, tk_now());
  assert_int_equal(poll(&look, 1, 0), 1);
  tk_engine_step(w->engine);
  assert_int_equal(poll(&look, 1, 0), 0);
}

/* Those that are held back end like any other: cancelled, freed, at their deadline, or with the engine. */
static void what_is_held_back_can_end(void **state) {
  enum { COUNT = 40 };
  world *w = (world *)*state;
  tk_transfer *transfers[COUNT];
  int i;
  for (i = 0; i < COUNT; i++) transfers[i] = start(w, "/ok/x", i == 9 ? 1e-9 : 30);
  tk_transfer_cancel(transfers[1]);
  tk_transfer_cancel(transfers[COUNT - 1]);
  tk_transfer_free(transfers[7]);
  assert_int_equal(tk_transfer_result(transfers[COUNT - 1])->sent, TK_SENT_NO);
  while (tk_engine_wait(w->engine, 30) > 0) continue;
  for (i = 0; i < COUNT; i++) {
    int reason = i == 1 || i == COUNT - 1 ? TK_CANCELLED : i == 9 ? TK_DEADLINE : TK_OK;
    if (i == 7) continue;
    assert_int_equal(tk_transfer_result(transfers[i])->reason, reason);
    tk_transfer_free(transfers[i]);
  }
  assert_int_equal(server_seen(w->server), COUNT - 4);
  for (i = 0; i < COUNT; i++) transfers[i] = start(w, "/never", 30);
  tk_engine_free(w->engine);
  w->engine = NULL;
  for (i = 0; i < COUNT; i++) {
    assert_int_equal(tk_transfer_result(transfers[i])->reason, TK_CLOSED);
    tk_transfer_free(transfers[i]);
  }
}

/* libcurl has not got this one, and its easy handle still holds the times of the transfer before it. */
static void what_was_held_back_took_no_time(void **state) {
  world *w = (world *)*state;
  tk_transfer *first = start(w, "/never", 30), *held_back = start(w, "/ok/1", 30);
  const tk_result *result = finish(w, held_back);
  assert_true(result->times.first_byte > 0);
  tk_transfer_free(held_back);
  tk_transfer_free(first);
  first = start(w, "/never", 30); /* takes the easy handle that came back last, and leaves the other */
  held_back = start(w, "/ok/1", 30);
  tk_transfer_cancel(held_back);
  result = tk_transfer_result(held_back);
  assert_int_equal(result->sent, TK_SENT_NO);
  assert_true(result->times.connect == 0 && result->times.first_byte == 0);
  tk_transfer_free(held_back);
  tk_transfer_free(first);
}

static void a_forked_child_leaves_the_engine_alone(void **state) {
  world *w = (world *)*state;
  tk_transfer *during = start(w, "/never", 30), *other = start(w, "/ok/before", 30);
  int status = -1;
  pid_t child;
  expect_body(finish(w, other), "before");
  tk_transfer_free(other);
  child = fork();
  if (child == 0) {
    char message[TK_MESSAGE_SIZE];
    tk_request request;
    int wrong = tk_engine_usable(w->engine);
    memset(&request, 0, sizeof request);
    request.method = "GET";
    request.target = "/ok/child";
    request.timeout = 1;
    wrong += tk_transfer_start(w->engine, &request, message) != NULL;
    wrong += tk_engine_wait(w->engine, 1) != 0;
    wrong += !tk_transfer_done(during) || tk_transfer_result(during)->reason != TK_CLOSED;
    tk_transfer_free(during);
    tk_engine_free(w->engine);
    /* Not by exit: what the child leaves to its parent would be reported as its leak. */
    execl("/bin/sh", "sh", "-c", wrong ? "exit 1" : "exit 0", (char *)NULL);
    _exit(2);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_false(tk_transfer_done(during));
  other = start(w, "/ok/after", 30);
  expect_body(finish(w, other), "after");
  assert_int_equal(tk_transfer_result(other)->reused, 1);
  assert_true(server_seen(w->server) <= 3);
  tk_transfer_free(other);
  tk_transfer_free(during);
}

/* The child keeps copies of the descriptors, so a connection that the parent has closed is not closed for the kernel. Its
   answer, unread, must not make the parent's descriptor readable for ever. */
static void a_closed_connection_is_forgotten_after_a_fork(void **state) {
  world *w = (world *)*state;
  tk_transfer *transfer;
  struct pollfd answer, engine;
  int to_child[2], i;
  pid_t child;
  if (tk_engine_fd(w->engine) < 0) skip();
  transfer = start(w, "/big/900000", 30); /* too large to be read in one step */
  for (i = 0; i < 1000 && transfer->fd == CURL_SOCKET_BAD; i++) tk_engine_step(w->engine);
  answer.fd = transfer->fd;
  answer.events = POLLIN;
  assert_int_equal(poll(&answer, 1, 30000), 1);
  assert_int_equal(pipe(to_child), 0);
  child = fork();
  if (child == 0) {
    char byte;
    close(to_child[1]);
    (void)!read(to_child[0], &byte, 1);
    _exit(0);
  }
  tk_transfer_cancel(transfer);
  for (i = 0; i < 3; i++) tk_engine_step(w->engine);
  engine.fd = tk_engine_fd(w->engine);
  engine.events = POLLIN;
  assert_int_equal(poll(&engine, 1, 0), 0);
  close(to_child[0]);
  close(to_child[1]);
  assert_int_equal(waitpid(child, NULL, 0), child);
  tk_transfer_free(transfer);
}

/* ---- bad input ---- */

static void bad_options_are_named(void **state) {
  static const char *const urls[] = {"",
                                     "api.timekit.io/v2",
                                     "http://api.timekit.io/v2",
                                     "http://127.0.0.1.example.com",
                                     "http://localhost.example.com",
                                     "http://10.0.0.1",
                                     "ftp://127.0.0.1",
                                     "https://user:secret@api.timekit.io/v2",
                                     "https://api.timekit.io/v2?x=1",
                                     "https://api.timekit.io/v2?",
                                     "https://api.timekit.io/v2#x",
                                     "https://api.timekit.io/v2/",
                                     "https://api.timekit.io/\r\nX: 1"};
  char message[TK_MESSAGE_SIZE];
  tk_options options;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof urls / sizeof *urls; i++) {
    options = options_for(urls[i]);
    assert_null(tk_engine_new(&options, message));
    assert_memory_equal(message, "base_url: ", 10);
    assert_null(strstr(message, "secret"));
  }
  options = options_for("https://api.timekit.io/v2");
  options.files.ca_file = "/nowhere/ca.pem";
  assert_null(tk_engine_new(&options, message));
  assert_memory_equal(message, "ca_file: ", 9);
  options = options_for("https://api.timekit.io/v2");
  options.proxy = "gopher://user:secret@proxy";
  assert_null(tk_engine_new(&options, message));
  assert_memory_equal(message, "proxy: ", 7);
  assert_null(strstr(message, "secret"));
}

static void bad_requests_are_named(void **state) {
  static const char *const evil[] = {"X: 1\r\nY: 2"}, *const host[] = {"Host: elsewhere"}, *const bare[] = {"X"};
  static const struct {
    const char *method, *target;
    const char *const *headers;
    double timeout;
    const char *named;
  } cases[] = {{"PUT /x", "/", NULL, 1, "method: "}, {"put", "/", NULL, 1, "method: "},
               {"CONNECT", "/", NULL, 1, "method: "}, {"PUT", "", NULL, 1, "target: "},
               {"PUT", "@evil.example/", NULL, 1, "target: "}, {"PUT", "/a b", NULL, 1, "target: "},
               {"PUT", "/a\r\nX: 1", NULL, 1, "target: "}, {"PUT", "/a#b", NULL, 1, "target: "},
               {"PUT", "/", NULL, 0, "timeout: "}, {"PUT", "/", NULL, -1, "timeout: "},
               {"PUT", "/", evil, 1, "headers: "}, {"PUT", "/", host, 1, "headers: "}, {"PUT", "/", bare, 1, "headers: "}};
  world *w = (world *)*state;
  char message[TK_MESSAGE_SIZE];
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    tk_request request;
    memset(&request, 0, sizeof request);
    request.method = cases[i].method;
    request.target = cases[i].target;
    request.headers = cases[i].headers;
    request.header_count = cases[i].headers == NULL ? 0 : 1;
    request.timeout = cases[i].timeout;
    assert_null(tk_transfer_start(w->engine, &request, message));
    assert_memory_equal(message, cases[i].named, strlen(cases[i].named));
  }
  assert_int_equal(tk_engine_pending(w->engine), 0);
  assert_int_equal(server_seen(w->server), 0);
}

/* ---- out of memory: every one of our own allocations fails once ---- */

static int whole_life(const char *base_url, int *wrong) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_options options = options_for(base_url);
  static const char *const header[] = {"X-One: 1"};
  tk_engine *engine = tk_engine_new(&options, message);
  tk_request request;
  tk_transfer *transfer;
  int succeeded = 0;
  if (engine == NULL) {
    *wrong += strcmp(message, "not enough memory") != 0;
    return 0;
  }
  memset(&request, 0, sizeof request);
  request.method = "PUT";
  request.target = "/big/5000";
  request.headers = header;
  request.header_count = 1;
  request.body = "{}";
  request.body_size = 2;
  request.timeout = 30;
  transfer = tk_transfer_start(engine, &request, message);
  if (transfer == NULL) {
    *wrong += strcmp(message, "not enough memory") != 0;
  } else {
    const tk_result *result;
    while (!tk_transfer_done(transfer)) tk_engine_wait(engine, 30);
    result = tk_transfer_result(transfer);
    succeeded = result->reason == TK_OK && result->body_size == 5000;
    *wrong += !succeeded && result->reason != TK_MEMORY && result->reason != TK_CURL;
  }
  tk_transfer_free(transfer);
  tk_engine_free(engine);
  return succeeded;
}

static void every_allocation_may_fail(void **state) {
  world *w = (world *)*state;
  int wrong = 0, succeeded = 0;
  long n;
  for (n = 0; !succeeded && n < 1000; n++) {
    allocations_left = n;
    succeeded = whole_life(w->base_url, &wrong);
    allocations_left = -1;
    assert_int_equal(wrong, 0);
  }
  assert_true(succeeded);
  assert_true(n > 8);
}

int main(void) {
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(buffer_keeps_its_limit),
    WITH_WORLD(a_transfer_reports),
    WITH_WORLD(a_lost_connection_is_not_sent_again),
    WITH_WORLD(an_expired_connection_is_no_error),
    WITH_WORLD(the_deadline_ends_a_transfer),
    WITH_WORLD(limits_hold),
    WITH_WORLD(nothing_is_sent_to_a_closed_port),
    WITH_WORLD(many_at_once_are_not_mixed_up),
    WITH_WORLD(cancelling_ends_one_and_leaves_the_others),
    WITH_WORLD(freeing_the_engine_ends_its_transfers),
    WITH_WORLD(deadlines_come_in_order_whatever_is_cancelled),
    WITH_WORLD(one_descriptor_tells_all),
    WITH_WORLD(ends_are_told_once_and_in_order),
    WITH_WORLD(an_alarm_is_an_event),
    WITH_WORLD(what_is_held_back_can_end),
    WITH_WORLD(what_was_held_back_took_no_time),
    WITH_WORLD(a_forked_child_leaves_the_engine_alone),
    WITH_WORLD(a_closed_connection_is_forgotten_after_a_fork),
    WITH_WORLD(bad_options_are_named),
    WITH_WORLD(bad_requests_are_named),
    WITH_WORLD(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
