/* One fuzz target: a Lua state with the module's C files compiled in, and a Lua function that is given each
   input. FUZZ_TARGET names its file in spec/fuzz, without the extension. The function raises when a law is broken. */
#include "json/json.h"
#include "bind/result.h"

#include <lualib.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int luaopen_timekit_core(lua_State *L);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *state;

/* The way from one line of Lua to the next counts as coverage too; without it libFuzzer would be blind to all that is
   not C. It finds and clears the counters by their section. */
#define COUNTERS 65536u
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];
static uint32_t last_line;

/* A number for each file, in the order in which they are met: unlike an address it is the same in every run. */
#define FILES 256u
static uint32_t file_number(const char *source) {
  static const char *known[FILES];
  uint32_t i = 0;
  while (i < FILES - 1 && known[i] != NULL && known[i] != source) i++;
  known[i] = source;
  return i;
}

static void on_line(lua_State *L, lua_Debug *ar) {
  uint32_t line;
  lua_getinfo(L, "S", ar);
  line = (file_number(ar->source) << 12 ^ (uint32_t)ar->currentline) * 2654435761u >> 8;
  counters[(line ^ last_line) % COUNTERS]++;
  last_line = line >> 1;
}

static int explain(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static void give_up(lua_State *L) {
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  abort();
}

/* result{reason=, code=, text=, status=, headers=, body=, sent=}: what the binding makes of a transfer that ended so.
   Reason and sent are the numbers of engine.h, headers the lines as they came. */
static int result(lua_State *L) {
  tk_result made;
  int field;
  memset(&made, 0, sizeof made);
  lua_settop(L, 1);
  lua_getfield(L, 1, "reason");
  lua_getfield(L, 1, "code");
  lua_getfield(L, 1, "status");
  lua_getfield(L, 1, "sent");
  lua_getfield(L, 1, "text");
  lua_getfield(L, 1, "headers");
  lua_getfield(L, 1, "body");
  made.reason = (tk_reason)luaL_checkinteger(L, 2);
  made.code = (int)luaL_checkinteger(L, 3);
  made.status = (long)luaL_checkinteger(L, 4);
  made.sent = (tk_sent)luaL_checkinteger(L, 5);
  made.text = luaL_checkstring(L, 6);
  made.headers = luaL_checklstring(L, 7, &made.headers_size);
  made.body = luaL_checklstring(L, 8, &made.body_size);
  made.http_version = 11;
  lua_createtable(L, 0, TK_FIELDS);
  for (field = 0; field < TK_FIELDS; field++) {
    tk_push_field(L, &made, (tk_field)field);
    lua_setfield(L, -2, tk_field_name((tk_field)field));
  }
  return 1;
}

/* cjson_decoder(array_metatable): core.decode as it is without simdjson. */
static int cjson_decoder(lua_State *L) {
  lua_settop(L, 1);
  tk_json_push_cjson(L);
  return 1;
}

/* decode_buffer(text, spare): decodes in a buffer that has so many bytes behind the text, and nothing behind them. */
static int decode_buffer(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  size_t spare = (size_t)luaL_checkinteger(L, 2);
  char *buffer = (char *)malloc(size + spare);
  int count;
  if (buffer == NULL) return luaL_error(L, "out of memory");
  memcpy(buffer, text, size);
  memset(buffer + size, ',', spare);
  count = tk_json_decode(L, buffer, size, size + spare);
  free(buffer);
  return count;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  lua_State *L = luaL_newstate();
  (void)argc, (void)argv;
  luaL_openlibs(L);
  lua_pushcfunction(L, explain);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_timekit_core);
  lua_setfield(L, -2, "timekit.core");
  lua_pop(L, 1);
  lua_register(L, "result", result);
  lua_register(L, "cjson_decoder", cjson_decoder);
  lua_register(L, "decode_buffer", decode_buffer);
  if (luaL_loadstring(L, "package.path = './lua/?.lua;./lua/?/init.lua;./?.lua'\n"
                         "require('timekit.core').load_decoder()\n"
                         "return require('spec.fuzz." FUZZ_TARGET "')") != LUA_OK ||
      lua_pcall(L, 0, 1, 1) != LUA_OK)
    give_up(L);
  lua_sethook(L, on_line, LUA_MASKLINE, 0);
  state = L;
  return 0;
}

/* The stack holds the message handler and the function, always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lua_State *L = state;
  last_line = 0;
  lua_pushvalue(L, 2);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 1) != LUA_OK) give_up(L);
  return 0;
}
