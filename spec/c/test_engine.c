/* The engine without Lua, against a real server: one transfer, bad input, memory that runs out. Built again without
   epoll. */
#define _GNU_SOURCE
#include "engine_world.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void an_expired_connection_is_not_an_error(void **state) {
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
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(buffer_keeps_its_limit),
    WITH_WORLD(a_transfer_reports),
    WITH_WORLD(a_lost_connection_is_not_sent_again),
    WITH_WORLD(an_expired_connection_is_not_an_error),
    WITH_WORLD(the_deadline_ends_a_transfer),
    WITH_WORLD(limits_hold),
    WITH_WORLD(nothing_is_sent_to_a_closed_port),
    WITH_WORLD(bad_options_are_named),
    WITH_WORLD(bad_requests_are_named),
    WITH_WORLD(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
