/* The engine without Lua, against a real server: many transfers, and how they end. Built again without epoll. */
#define _GNU_SOURCE
#include "engine_world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* The child keeps copies of the descriptors, so a connection that the parent has closed is not closed for the kernel.
   Its answer, unread, must not make the parent's descriptor readable for ever. */
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

int main(void) {
  const struct CMUnitTest tests[] = {
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
  };
  return cmocka_run_group_tests_name("many transfers", tests, NULL, NULL);
}
