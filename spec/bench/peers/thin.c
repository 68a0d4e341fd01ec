/* A Lua module over libcurl as thin as one can be: it sends a body to a URL, and gives back the answer's. The library
   is compared with it to see what its rules cost. */
#include "slice.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

static slice load;
static CURLM *multi;
static transfer **idle;
static long idle_count;

/* open(URL, PROTOCOL, IN_FLIGHT, WARMUP, COUNT): the arguments of slice.h. */
static int open_multi(lua_State *L) {
  char *arguments[6] = {"thin"};
  int i;
  for (i = 1; i < 6; i++) arguments[i] = (char *)(size_t)luaL_checkstring(L, i);
  slice_read(&load, 6, arguments);
  load.url = NULL; /* each request has its own */
  multi = curl_multi_init();
  idle = calloc((size_t)load.in_flight, sizeof *idle);
  if (multi == NULL || idle == NULL) slice_fail("out of memory");
  if (load.http2) {
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  }
  return 0;
}

static transfer *new_transfer(void) {
  transfer *made = malloc(sizeof *made);
  if (made == NULL) slice_fail("out of memory");
  slice_prepare(&load, made);
  return made;
}

/* send(url, body) */
static int send_request(lua_State *L) {
  size_t size;
  const char *url = luaL_checkstring(L, 1), *body = luaL_checklstring(L, 2, &size);
  transfer *next = idle_count > 0 ? idle[--idle_count] : new_transfer();
  curl_easy_setopt(next->easy, CURLOPT_URL, url);
  curl_easy_setopt(next->easy, CURLOPT_POSTFIELDSIZE, (long)size);
  curl_easy_setopt(next->easy, CURLOPT_COPYPOSTFIELDS, body);
  curl_multi_add_handle(multi, next->easy);
  return 0;
}

/* receive(): waits for an answer. */
static int receive(lua_State *L) {
  CURLMsg *message;
  transfer *done;
  int left, running;
  while ((message = curl_multi_info_read(multi, &left)) == NULL) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) slice_fail("curl_multi_perform");
    if ((message = curl_multi_info_read(multi, &left)) != NULL) break;
    if (curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) slice_fail("curl_multi_poll");
  }
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&done);
  lua_pushlstring(L, done->answer, done->size);
  slice_check(&load, done, message->data.result);
  curl_multi_remove_handle(multi, done->easy);
  idle[idle_count++] = done;
  return 1;
}

int luaopen_thin(lua_State *L);
int luaopen_thin(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"open", open_multi}, {"send", send_request}, {"receive", receive}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
