/* Tests how a wait spins before it sleeps, see watch_epoll.c. The linker redirects epoll_wait and the clock to functions
   here: each poll without sleep takes POLL_TIME on a clock that only they move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#include <string.h>
#include <sys/epoll.h>

/* Seconds. A wait spins for ten times as long. */
#define POLL_TIME 0.00001
#define LONG 1000.0

static double clock_now;
static int polls, sleeps; /* calls of epoll_wait in the latest wait: without and with sleep */
static int hidden;        /* polls that are to see no event although there is one */

double __wrap_tk_now(void);
int __real_epoll_wait(int fd, struct epoll_event *events, int room, int milliseconds);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int milliseconds);

double __wrap_tk_now(void) { return clock_now; }

int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int milliseconds) {
  if (milliseconds == 0) {
    polls++;
    clock_now += POLL_TIME;
    if (hidden > 0) return hidden--, 0;
  } else {
    sleeps++;
    clock_now += milliseconds / 1000.0;
  }
  return __real_epoll_wait(fd, events, room, 0);
}

static int set_up(void **state) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_options options;
  assert_null(tk_setup());
  memset(&options, 0, sizeof options);
  options.base_url = "http://127.0.0.1:1";
  options.connect_timeout = 10;
  options.max_response = options.max_headers = 20000;
  clock_now = 1e9; /* in the kernel's future, so that no timer expires */
  *state = tk_engine_new(&options, message);
  if (*state == NULL) fail_msg("%s", message);
  return 0;
}

static int tear_down(void **state) {
  tk_engine_free((tk_engine *)*state);
  return 0;
}

/* Waits for an event that `unseen` polls do not see. */
static void wait_for(tk_engine *engine, int unseen) {
  tk_engine_alarm(engine, clock_now);
  hidden = unseen;
  polls = sleeps = 0;
  tk_engine_wait(engine, 1);
  hidden = 0;
}

/* Waits without events until a wait spins, `most` times at most. Returns the number of waits that slept at once. */
static int sleeps_until_a_spin(tk_engine *engine, int most) {
  int waits = 0;
  tk_engine_alarm(engine, clock_now + LONG);
  do {
    polls = sleeps = 0;
    tk_engine_wait(engine, 0.001);
    assert_int_equal(sleeps, 1);
  } while (polls == 0 && ++waits < most);
  return waits;
}

static void a_near_event_is_seen_without_sleep(void **state) {
  int round;
  for (round = 0; round < 100; round++) {
    wait_for((tk_engine *)*state, 5);
    assert_int_equal(polls, 6);
    assert_int_equal(sleeps, 0);
  }
}

static void a_spin_ends(void **state) {
  wait_for((tk_engine *)*state, 1000000);
  assert_true(polls == 10 || polls == 11);
  assert_int_equal(sleeps, 1);
}

static void spins_without_events_become_rare(void **state) {
  tk_engine *engine = (tk_engine *)*state;
  int expected;
  assert_int_equal(sleeps_until_a_spin(engine, 1), 0);
  for (expected = 1; expected < 1024; expected = 2 * expected + 1)
    assert_int_equal(sleeps_until_a_spin(engine, 5000), expected);
  assert_int_equal(sleeps_until_a_spin(engine, 5000), 1023);
  assert_true(polls == 10 || polls == 11);
}

static void spins_become_frequent_again(void **state) {
  tk_engine *engine = (tk_engine *)*state;
  int round;
  for (round = 0; round < 8; round++) (void)sleeps_until_a_spin(engine, 5000);
  do wait_for(engine, 5);
  while (sleeps > 0 && polls == 0);
  for (round = 0; round < 100; round++) {
    wait_for(engine, 5);
    assert_int_equal(polls, 6);
    assert_int_equal(sleeps, 0);
  }
}

static void a_step_polls_once(void **state) {
  tk_engine *engine = (tk_engine *)*state;
  tk_engine_alarm(engine, clock_now + LONG);
  polls = sleeps = 0;
  tk_engine_step(engine);
  tk_engine_wait(engine, 0);
  assert_int_equal(polls, 2);
  assert_int_equal(sleeps, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(a_near_event_is_seen_without_sleep), TEST(a_spin_ends),       TEST(spins_without_events_become_rare),
    TEST(spins_become_frequent_again),        TEST(a_step_polls_once),
  };
  return cmocka_run_group_tests_name("spin", tests, NULL, NULL);
}
