/* Lua states in threads, and forks with live clients. The module itself is loaded, by the path in the environment, so
   that `make tsan` sees it as hosts do. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bind/compat.h"
#include "server.h"

#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 6
#define PATIENCE 120

/* ---- a Lua state with the functions of threads.lua in it ---- */

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  /* Where the sanitized module is, as for lua_main.c. */
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s;", getenv("HOST_CPATH") == NULL ? "" : getenv("HOST_CPATH"));
  lua_getfield(L, -2, "cpath");
  lua_concat(L, 2);
  lua_setfield(L, -2, "cpath");
  lua_settop(L, 0);
  if (luaL_loadfile(L, "spec/c/threads.lua") != 0 || lua_pcall(L, 0, 1, 0) != 0) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  return L;
}

/* 1: it did not raise. */
static int call(lua_State *L, const char *function, int port, int number) {
  int well;
  lua_getfield(L, 1, function);
  lua_pushfstring(L, "http://127.0.0.1:%d", port);
  lua_pushinteger(L, number);
  well = lua_pcall(L, 2, 0, 0) == 0;
  if (!well) fprintf(stderr, "%s: %.*s\n", function, (int)strcspn(lua_tostring(L, -1), "\n"), lua_tostring(L, -1));
  lua_settop(L, 1);
  return well;
}

static int constant(const char *name) {
  lua_State *L = open_state();
  int value;
  lua_getfield(L, 1, name);
  value = (int)lua_tointeger(L, -1);
  lua_close(L);
  return value;
}

/* ---- threads that start at once, each with a state of its own ---- */

typedef struct worker {
  pthread_t thread;
  pthread_barrier_t *together;
  const char *function;
  int port, number, well;
} worker;

static void *work(void *data) {
  worker *w = (worker *)data;
  lua_State *L = open_state();
  pthread_barrier_wait(w->together);
  w->well = call(L, w->function, w->port, w->number);
  lua_close(L);
  return NULL;
}

static void start_workers(worker *workers, pthread_barrier_t *together, const char *function, int port) {
  int i;
  pthread_barrier_init(together, NULL, THREADS);
  for (i = 0; i < THREADS; i++) {
    workers[i].together = together;
    workers[i].function = function;
    workers[i].port = port;
    workers[i].number = i;
    workers[i].well = 0;
    pthread_create(&workers[i].thread, NULL, work, &workers[i]);
  }
}

/* How many went well. */
static int join_workers(worker *workers, pthread_barrier_t *together) {
  int i, well = 0;
  for (i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    well += workers[i].well;
  }
  pthread_barrier_destroy(together);
  return well;
}

/* ---- the tests ---- */

static int exit_code_of(pid_t child) {
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

/* The first use in a process happens once, so it takes a process for each try. */
static void the_first_load_is_raced(void **state) {
  enum { TRIES = 10 };
  int i;
  (void)state;
  for (i = 0; i < TRIES; i++) {
    pid_t child;
    fflush(NULL);
    child = fork();
    if (child == 0) {
      worker workers[THREADS];
      pthread_barrier_t together;
      server *s = server_start();
      int well;
      alarm(PATIENCE);
      start_workers(workers, &together, "load", server_port(s));
      well = join_workers(workers, &together) == THREADS && server_seen(s) == THREADS;
      server_stop(s);
      /* By exit: that is where sanitizers say what they found. */
      exit(well ? 0 : 1);
    }
    assert_int_equal(exit_code_of(child), 0);
  }
}

static void clients_in_threads_share_nothing(void **state) {
  worker workers[THREADS];
  pthread_barrier_t together;
  server *s = server_start();
  (void)state;
  start_workers(workers, &together, "work", server_port(s));
  assert_int_equal(join_workers(workers, &together), THREADS);
  assert_int_equal(server_seen(s), THREADS * (constant("CONFIRMS") + constant("TRANSFERS")));
  server_stop(s);
}

/* Ends by exec: what the child leaves to its parent would be reported as its leak. */
static void be_the_child(lua_State *L, int port) {
  int well;
  alarm(PATIENCE);
  well = call(L, "in_child", port, 0);
  lua_close(L);
  execl("/bin/sh", "sh", "-c", well ? "exit 0" : "exit 1", (char *)NULL);
  _exit(2);
}

#define REQUESTS_BEFORE_A_FORK 3
#define REQUESTS_WITH_A_FORK 8

static void fork_with_a_live_client(server *s) {
  lua_State *L = open_state();
  int port = server_port(s), seen = server_seen(s) + REQUESTS_BEFORE_A_FORK;
  pid_t child;
  assert_true(call(L, "before_fork", port, 0));
  while (server_seen(s) < seen) assert_true(call(L, "step", port, 0));
  assert_true(call(L, "start", port, 0));
  fflush(NULL);
  child = fork();
  if (child == 0) be_the_child(L, port);
  assert_int_equal(exit_code_of(child), 0);
  assert_true(call(L, "after_fork", port, 0));
  lua_close(L);
}

static void a_client_lives_on_both_sides_of_a_fork(void **state) {
  server *s = server_start();
  (void)state;
  fork_with_a_live_client(s);
  assert_int_equal(server_seen(s), REQUESTS_WITH_A_FORK);
  server_stop(s);
}

/* Not with gcc's sanitizers: a fork leaves their allocator locked if another thread was in it. Not with LuaJIT: whenever
   it opens or closes a state, raises an error or gives up a trace, it takes the lock of libgcc's unwinder, and a child that
   was forked while another thread held that lock waits for it forever (seen in gdb: __deregister_frame, _Unwind_Find_FDE).
   Only LuaJIT's lualib.h has this name. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || defined(LUA_JITLIBNAME)
#define FORK_IS_SAFE 0
#else
#define FORK_IS_SAFE 1
#endif

static void a_fork_while_other_threads_are_at_work(void **state) {
  enum { FORKS = 5 };
  worker workers[THREADS];
  pthread_barrier_t together;
  server *busy, *s;
  int i;
  (void)state;
  if (!FORK_IS_SAFE) skip();
  busy = server_start();
  s = server_start();
  start_workers(workers, &together, "work", server_port(busy));
  for (i = 0; i < FORKS; i++) fork_with_a_live_client(s);
  assert_int_equal(join_workers(workers, &together), THREADS);
  assert_int_equal(server_seen(busy), THREADS * (constant("CONFIRMS") + constant("TRANSFERS")));
  assert_int_equal(server_seen(s), FORKS * REQUESTS_WITH_A_FORK);
  server_stop(busy);
  server_stop(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_load_is_raced), /* while the module has not been loaded here */
    cmocka_unit_test(clients_in_threads_share_nothing),
    cmocka_unit_test(a_client_lives_on_both_sides_of_a_fork),
    cmocka_unit_test(a_fork_while_other_threads_are_at_work),
  };
  return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
