/*
 * Makes Lua values of simdjson's tape (https://github.com/simdjson/simdjson, its tape documentation).
 *
 * The tape is an array of 64-bit words. The upper byte of a word is its kind. The word that opens an array or object
 * holds the number of items in the next 24 bits; the greatest such number means that many or more. A word of its own
 * closes it. A string's word holds an offset into `strings`, where its length and bytes are. A number's word is
 * followed by a word with its value.
 */
#include "json/tape.h"

#include "json/json.h"

#include <string.h>

typedef struct reader {
  lua_State *L;
  const uint64_t *at;
  const uint8_t *strings;
  int array;
} reader;

static void push_value(reader *R);

static char kind(uint64_t word) { return (char)(word >> 56); }

static int count(uint64_t word) { return (int)(word >> 32 & 0xFFFFFF); }

static void push_string(reader *R) {
  const uint8_t *string = R->strings + (*R->at++ & 0xFFFFFFFFFFFFFF);
  uint32_t size;
  memcpy(&size, string, sizeof size);
  lua_pushlstring(R->L, (const char *)string + sizeof size, size);
}

static void push_array(reader *R) {
  lua_State *L = R->L;
  int index = 1;
  luaL_checkstack(L, LUA_MINSTACK, "decode");
  lua_createtable(L, count(*R->at++), 0);
  lua_pushvalue(L, R->array);
  lua_setmetatable(L, -2);
  for (; kind(*R->at) != ']'; index++) {
    push_value(R);
    lua_rawseti(L, -2, index);
  }
  R->at++;
}

static void push_object(reader *R) {
  lua_State *L = R->L;
  luaL_checkstack(L, LUA_MINSTACK, "decode");
  lua_createtable(L, 0, count(*R->at++));
  while (kind(*R->at) != '}') {
    push_string(R);
    push_value(R);
    lua_rawset(L, -3);
  }
  R->at++;
}

/* Recursion is limited, because the parser refuses texts that nest deeper than TK_JSON_DEPTH. */
static void push_value(reader *R) {
  lua_State *L = R->L;
  switch (kind(*R->at)) {
  case '{': push_object(R); return;
  case '[': push_array(R); return;
  case '"': push_string(R); return;
  case 't': lua_pushboolean(L, 1); break;
  case 'f': lua_pushboolean(L, 0); break;
  case 'l': {
    int64_t number;
    memcpy(&number, ++R->at, sizeof number);
    tk_json_push_number(L, (double)number);
    break;
  }
  case 'u': tk_json_push_number(L, (double)*++R->at); break;
  case 'd': {
    double number;
    memcpy(&number, ++R->at, sizeof number);
    tk_json_push_number(L, number);
    break;
  }
  default: lua_pushlightuserdata(L, NULL); break;
  }
  R->at++;
}

/* The word behind the value at `at`. The word that opens an array or object also holds where that is. */
static const uint64_t *after_value(const uint64_t *words, const uint64_t *at) {
  switch (kind(*at)) {
  case '{': case '[': return words + (*at & 0xFFFFFFFF);
  case 'l': case 'u': case 'd': return at + 2;
  default: return at + 1;
  }
}

/* The value of the last member `name` of the value at `at`; NULL if there is none. */
static const uint64_t *find_member(const tk_tape *tape, const uint64_t *at, const char *name) {
  const uint64_t *found = NULL;
  size_t size = strlen(name);
  if (kind(*at) != '{') return NULL;
  for (at++; kind(*at) != '}'; at = after_value(tape->words, at)) {
    const uint8_t *string = tape->strings + (*at++ & 0xFFFFFFFFFFFFFF);
    uint32_t length;
    memcpy(&length, string, sizeof length);
    if (length == size && memcmp(string + sizeof length, name, size) == 0) found = at;
  }
  return found;
}

int tk_json_push_tape(lua_State *L, int array, const tk_tape *tape, const char *member) {
  reader R;
  R.L = L;
  R.at = tape->words + 1; /* the first word stands for the whole document */
  if (member != NULL) R.at = find_member(tape, R.at, member);
  if (R.at == NULL) return 0;
  R.strings = tape->strings;
  R.array = array;
  push_value(&R);
  return 1;
}
