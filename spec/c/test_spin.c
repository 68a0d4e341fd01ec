/* How a wait looks before it sleeps. The linker sends epoll_wait and the clock here: what is near is a matter of how many
   looks it takes, and each look takes so long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#include <string.h>
#include <sys/epoll.h>

/* Seconds. Ten looks fit into the time that a wait looks for. */
#define LOOK_TIME 0.00001
#define LONG 1000.0

static double clock_now;
static int looks, sleeps; /* of the latest wait */
static int hidden;        /* looks that do not see what there is */

double __wrap_tk_now(void);
int __real_epoll_wait(int fd, struct epoll_event *events, int room, int milliseconds);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int milliseconds);

double __wrap_tk_now(void) { return clock_now; }

int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int milliseconds) {
  if (milliseconds == 0) {
    looks++;
    clock_now += LOOK_TIME;
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
  clock_now = 1e9; /* later than any that the kernel's timers come to */
  *state = tk_engine_new(&options, message);
  if (*state == NULL) fail_msg("%s", message);
  return 0;
}

static int tear_down(void **state) {
  tk_engine_free((tk_engine *)*state);
  return 0;
}

/* A wait for what a look sees after so many that do not. */
static void wait_for(tk_engine *engine, int unseen) {
  tk_engine_alarm(engine, clock_now);
  hidden = unseen;
  looks = sleeps = 0;
  tk_engine_wait(engine, 1);
  hidden = 0;
}

/* Each of them ends by its own time. Returns the number of those that slept at once before one looked. */
static int waits_in_vain_until_a_look(tk_engine *engine, int most) {
  int waits = 0;
  tk_engine_alarm(engine, clock_now + LONG);
  do {
    looks = sleeps = 0;
    tk_engine_wait(engine, 0.001);
    assert_int_equal(sleeps, 1);
  } while (looks == 0 && ++waits < most);
  return waits;
}

static void what_is_near_is_seen_without_sleep(void **state) {
  int round;
  for (round = 0; round < 100; round++) {
    wait_for((tk_engine *)*state, 5);
    assert_int_equal(looks, 6);
    assert_int_equal(sleeps, 0);
  }
}

static void a_look_ends(void **state) {
  wait_for((tk_engine *)*state, 1000000);
  assert_in_range(looks, 10, 11);
  assert_int_equal(sleeps, 1);
}

static void what_is_far_is_looked_for_ever_less(void **state) {
  tk_engine *engine = (tk_engine *)*state;
  int expected;
  assert_int_equal(waits_in_vain_until_a_look(engine, 1), 0);
  for (expected = 1; expected < 1024; expected = 2 * expected + 1)
    assert_int_equal(waits_in_vain_until_a_look(engine, 5000), expected);
  assert_int_equal(waits_in_vain_until_a_look(engine, 5000), 1023);
  assert_in_range(looks, 10, 11);
}

static void what_was_far_may_come_near(void **state) {
  tk_engine *engine = (tk_engine *)*state;
  int round;
  for (round = 0; round < 8; round++) (void)waits_in_vain_until_a_look(engine, 5000);
  do wait_for(engine, 5);
  while (sleeps > 0 && looks == 0);
  for (round = 0; round < 100; round++) {
    wait_for(engine, 5);
    assert_int_equal(looks, 6);
    assert_int_equal(sleeps, 0);
  }
}

static void a_step_looks_once(void **state) {
  tk_engine *engine = (tk_engine *)*state;
  tk_engine_alarm(engine, clock_now + LONG);
  looks = sleeps = 0;
  tk_engine_step(engine);
  tk_engine_wait(engine, 0);
  assert_int_equal(looks, 2);
  assert_int_equal(sleeps, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(what_is_near_is_seen_without_sleep), TEST(a_look_ends),      TEST(what_is_far_is_looked_for_ever_less),
    TEST(what_was_far_may_come_near),         TEST(a_step_looks_once),
  };
  return cmocka_run_group_tests_name("looks", tests, NULL, NULL);
}
