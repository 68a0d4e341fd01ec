/* The binding and a whole client when memory runs out: Lua's, libcurl's, and what our own C files allocate, at every
   allocation until all goes well. A call then raises "not enough memory" or returns a failure; with memory back the
   same objects work; and once the state is closed nothing is left. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bind/compat.h"
#include "memory.h"
#include "server.h"

#include <lualib.h>
#ifdef LUA_JITLIBNAME
#include <luajit.h>
#endif
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 20

/* Keeps lua-cjson loaded to the end, so that what it leaks has a name. */
static lua_State *keeper;

int luaopen_timekit_core(lua_State *L);
const char *__lsan_default_suppressions(void);

/* lua-cjson forgets its buffer when Lua raises in the middle of decoding. */
const char *__lsan_default_suppressions(void) { return "leak:cjson.so\n"; }

typedef struct job {
  const char *file;  /* returns the function, or a table with it */
  const char *field; /* in that table */
  memory *memory;    /* that is limited */
  long left, fails;
} job;

/* ---- a Lua state whose memory can run out; its stack: the function, its own table, the server's URL ---- */

static void fail_with(lua_State *L, const job *j) {
  fail_msg("%s, when allocation %ld failed: %s", j->file, j->left, lua_tostring(L, -1));
}

static int open_all(lua_State *L) {
  const job *j = (const job *)lua_touserdata(L, 1);
  luaL_openlibs(L);
#ifdef LUA_JITLIBNAME
  /* Debian's LuaJIT (2.1, January 2023) crashes where memory runs out in compiled code, also without a module of ours;
     not so with the compiler off. */
  luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
#endif
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_timekit_core);
  lua_setfield(L, -2, "timekit.core");
  lua_pushliteral(L, "./lua/?.lua;./lua/?/init.lua");
  lua_setfield(L, -3, "path");
  lua_settop(L, 0);
  if (luaL_loadfile(L, j->file) != 0) lua_error(L);
  lua_call(L, 0, 1);
  if (j->field != NULL) lua_getfield(L, -1, j->field);
  return 1;
}

/* Lua 5.5 mixes a seed of the host's into its hashes. */
static lua_State *new_state(void) {
#if LUA_VERSION_NUM >= 505
  return lua_newstate(memory_for_lua, NULL, 1);
#else
  return lua_newstate(memory_for_lua, NULL);
#endif
}

static lua_State *open_state(const job *j, int port) {
  lua_State *L = new_state();
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/state/confirmed", port);
  assert_non_null(L);
  lua_pushcfunction(L, open_all);
  lua_pushlightuserdata(L, (void *)(uintptr_t)j);
  if (lua_pcall(L, 1, 1, 0) != 0) fail_with(L, j);
  lua_newtable(L);
  lua_pushstring(L, url);
  return L;
}

/* In the words of Lua, of lua-cjson, and of Lua where it lacks the memory for a larger stack. */
static int is_about_memory(const char *message) {
  return message != NULL && (strstr(message, "not enough memory") != NULL ||
                             strstr(message, "Memory allocation error") != NULL || strstr(message, "stack overflow") != NULL);
}

/* Lua 5.1 remembers the modules that raised while they loaded and refuses to load them again: it leaves a light userdata
   for each, LuaJIT a number. */
static void forget_failed_loads(lua_State *L) {
  int loaded;
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  loaded = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, loaded) != 0; lua_pop(L, 1)) {
    if (!lua_islightuserdata(L, -1) && lua_type(L, -1) != LUA_TNUMBER) continue;
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, loaded);
  }
  lua_pop(L, 1);
}

/* 1: it returned true. What it raises is about memory. */
static int call(lua_State *L, const job *j) {
  int well, status;
  forget_failed_loads(L);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  status = lua_pcall(L, 2, 2, 0);
  well = status == 0 && lua_toboolean(L, -2);
  if (status != 0) {
    if (!is_about_memory(lua_tostring(L, -1))) fail_with(L, j);
  } else if (!well && lua_tostring(L, -1) == NULL) {
    fail_with(L, j);
  }
  return well;
}

/* ---- every allocation in turn ---- */

/* What is left of C's when all that is garbage has gone. */
static void expect_nothing_left(const job *j, long own, long curls) {
  long own_left = memory_beyond(&own_memory, own), curls_left = memory_beyond(&curl_memory, curls);
  if (own_left != 0 || curls_left != 0)
    fail_msg("%s: %ld and %ld blocks were left behind when allocation %ld failed", j->file, own_left, curls_left, j->left);
}

/* With little memory, then again with all of it. 1: nothing failed. */
static int run(lua_State *L, const job *j) {
  int well;
  alarm(PATIENCE * 2); /* the client's own deadlines are shorter */
  memory_limit(j->memory, j->left, j->fails);
  well = call(L, j);
  memory_lift(j->memory);
  lua_settop(L, 3);
  if (!call(L, j)) fail_with(L, j);
  lua_settop(L, 3);
  alarm(0);
  if (j->memory->failed == 0) assert_true(well);
  return j->memory->failed == 0;
}

/* LuaJIT's luaL_loadfile forgets to close the file when memory runs out right behind opening it, also without a module
   of ours: how many descriptors that are. Any other that is left counts. */
static int forgotten_scripts(void) {
  int count = 0;
#ifdef LUA_JITLIBNAME
  int fd;
  for (fd = 0; fd < 1024; fd++) {
    char link[64], path[512];
    ssize_t size;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path);
    if (size > 4 && memcmp(path + size - 4, ".lua", 4) == 0) count++;
  }
#endif
  return count;
}

/* Each time in a state of its own, where everything is loaded anew. */
static int run_fresh(const job *j) {
  int descriptors = open_descriptors() - forgotten_scripts();
  server *s = server_start();
  long own = memory_live(&own_memory), curls = memory_live(&curl_memory), lua = memory_live(&lua_memory);
  lua_State *L = open_state(j, server_port(s));
  int well = run(L, j);
  lua_close(L);
  expect_nothing_left(j, own, curls);
  assert_int_equal(memory_live(&lua_memory), lua);
  server_stop(s);
  assert_int_equal(open_descriptors() - forgotten_scripts(), descriptors);
  return well;
}

static void in_fresh_states(job j, memory *memory, long fails, long stride) {
  j.memory = memory;
  j.fails = fails;
  for (j.left = 0; !run_fresh(&j); j.left += stride) assert_true(j.left < 100000);
  assert_true(j.left > 0);
}

/* Memory does not come back before the state is closed. */
static void to_the_end(job j, memory *memory, long fails, long stride) {
  int well = 0;
  j.memory = memory;
  j.fails = fails;
  for (j.left = 0; !well; j.left += stride) {
    server *s = server_start();
    long own = memory_live(&own_memory), curls = memory_live(&curl_memory), lua = memory_live(&lua_memory);
    lua_State *L = open_state(&j, server_port(s));
    alarm(PATIENCE * 2);
    memory_limit(memory, j.left, fails);
    well = call(L, &j);
    lua_close(L);
    memory_lift(memory);
    alarm(0);
    well = well && memory->failed == 0;
    expect_nothing_left(&j, own, curls);
    assert_int_equal(memory_live(&lua_memory), lua);
    server_stop(s);
    assert_true(j.left < 100000);
  }
}

/* All in one state, which has to bear it. What it keeps is there from the first call on: the parser of JSON. */
static void in_one_state(job j, memory *memory, long fails, long stride) {
  server *s = server_start();
  long own = memory_live(&own_memory), curls = memory_live(&curl_memory), lua = memory_live(&lua_memory), kept;
  lua_State *L = open_state(&j, server_port(s));
  int well = 0;
  if (!call(L, &j)) fail_with(L, &j);
  lua_settop(L, 3);
  lua_gc(L, LUA_GCCOLLECT, 0);
  kept = memory_live(&own_memory);
  j.memory = memory;
  j.fails = fails;
  for (j.left = 0; !well; j.left += stride) {
    well = run(L, &j);
    lua_gc(L, LUA_GCCOLLECT, 0);
    expect_nothing_left(&j, kept, curls);
    assert_true(j.left < 100000);
  }
  lua_close(L);
  expect_nothing_left(&j, own, curls);
  assert_int_equal(memory_live(&lua_memory), lua);
  server_stop(s);
}

typedef void method(job j, memory *memory, long fails, long stride);

/* One failure alone makes Lua collect all its garbage at that point, and go on. Two make the call fail; then memory is
   there again, or it is not. */
static void exhaust_lua(method *every, job j, long stride) {
  lua_State *probe = new_state();
  if (probe == NULL) skip(); /* a LuaJIT that allocates for itself */
  lua_close(probe);
  every(j, &lua_memory, 1, stride);
  every(j, &lua_memory, 2, stride);
  every(j, &lua_memory, -1, stride);
}

static void exhaust_c(method *every, job j, long stride) {
  every(j, &own_memory, 1, stride);
  every(j, &own_memory, -1, stride);
  every(j, &curl_memory, 1, stride);
  every(j, &curl_memory, -1, stride);
}

static void the_binding(void **state) {
  const job j = {"spec/c/oom_core.lua", NULL, NULL, 0, 0};
  (void)state;
  exhaust_lua(in_fresh_states, j, memory_step());
  exhaust_c(in_fresh_states, j, memory_step());
  to_the_end(j, &lua_memory, -1, memory_step());
  to_the_end(j, &own_memory, -1, memory_step());
  to_the_end(j, &curl_memory, -1, memory_step());
}

static void a_client(void **state) {
  const job j = {"spec/c/oom_client.lua", "over_http", NULL, 0, 0};
  (void)state;
  exhaust_lua(in_one_state, j, memory_step());
  exhaust_c(in_one_state, j, memory_step());
}

static void a_client_of_a_sandbox(void **state) {
  const job j = {"spec/c/oom_client.lua", "in_a_sandbox", NULL, 0, 0};
  (void)state;
  exhaust_lua(in_one_state, j, memory_step());
}

/* Tens of thousands of allocations, of which nearly all are the compiler's: a sample, and what failed to load loads. */
static void loading_the_modules(void **state) {
  const job j = {"spec/c/oom_load.lua", NULL, NULL, 0, 0};
  (void)state;
  exhaust_lua(in_fresh_states, j, 97 * memory_step());
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_binding),
    cmocka_unit_test(a_client),
    cmocka_unit_test(a_client_of_a_sandbox),
    cmocka_unit_test(loading_the_modules),
  };
  keeper = luaL_newstate();
  luaL_openlibs(keeper);
  if (luaL_dostring(keeper, "require 'cjson.safe'") != 0) return 2;
  memory_serve_curl();
  return cmocka_run_group_tests_name("out of memory, with Lua", tests, NULL, NULL);
}
