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

/* Answers have the same keys again and again, so the latest ones are kept. Comparing a key with a kept one takes a third
   of the time in which Lua hashes it: 2 % of an action's instructions. */
#define KEYS 256

/* Bytes; longer keys are not kept. */
#define LONGEST_KEY 40

/* The bytes belong to a Lua string, which a table holds under the number of the slot. */
typedef struct kept_key {
  const char *text;
  size_t size; /* 0: there is none */
} kept_key;

typedef struct reader {
  lua_State *L;
  const uint64_t *at;
  const uint8_t *strings;
  int array;
  kept_key *keys;
  int key_table;
} reader;

static void push_value(reader *R);

static char kind(uint64_t word) { return (char)(word >> 56); }

static int count(uint64_t word) { return (int)(word >> 32 & 0xFFFFFF); }

static const char *read_string(reader *R, size_t *size) {
  const uint8_t *string = R->strings + (*R->at++ & 0xFFFFFFFFFFFFFF);
  uint32_t count;
  memcpy(&count, string, sizeof count);
  *size = count;
  return (const char *)string + sizeof count;
}

static void push_string(reader *R) {
  size_t size;
  const char *text = read_string(R, &size);
  lua_pushlstring(R->L, text, size);
}

void tk_json_push_keys(lua_State *L) {
  int slot;
  memset(lua_newuserdata(L, KEYS * sizeof(kept_key)), 0, KEYS * sizeof(kept_key));
  lua_createtable(L, KEYS, 0);
  for (slot = 1; slot <= KEYS; slot++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, slot);
  }
}

static void push_key(reader *R) {
  lua_State *L = R->L;
  size_t size;
  const char *text = read_string(R, &size);
  const unsigned char *bytes = (const unsigned char *)text;
  kept_key *kept;
  unsigned slot;
  if (size == 0 || size > LONGEST_KEY) {
    lua_pushlstring(L, text, size);
    return;
  }
  slot = ((unsigned)size * 67 + bytes[0] + bytes[size / 2] * 5u + bytes[size - 1] * 17u) % KEYS;
  kept = &R->keys[slot];
  if (kept->size == size && memcmp(kept->text, text, size) == 0) {
    lua_rawgeti(L, R->key_table, (int)slot + 1);
    return;
  }
  lua_pushlstring(L, text, size); /* may run a finalizer that decodes, and so keeps other keys */
  lua_pushvalue(L, -1);
  lua_rawseti(L, R->key_table, (int)slot + 1);
  kept->text = lua_tostring(L, -1);
  kept->size = size;
}

static void push_array(reader *R) {
  lua_State *L = R->L;
  int index = 1;
  tk_checkstack(L, LUA_MINSTACK);
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
  tk_checkstack(L, LUA_MINSTACK);
  lua_createtable(L, 0, count(*R->at++));
  while (kind(*R->at) != '}') {
    push_key(R);
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

int tk_json_push_tape(lua_State *L, int array, int keys, const tk_tape *tape, const char *member) {
  reader R;
  R.L = L;
  R.at = tape->words + 1; /* the first word stands for the whole document */
  if (member != NULL) R.at = find_member(tape, R.at, member);
  if (R.at == NULL) return 0;
  R.strings = tape->strings;
  R.array = array;
  R.keys = (kept_key *)lua_touserdata(L, keys);
  R.key_table = keys + 1;
  push_value(&R);
  return 1;
}
