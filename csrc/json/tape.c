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

/* Answers have the same keys and many of the same values again and again, so short strings that came twice are kept.
   Comparing a string with a kept one takes a third of the time in which Lua hashes it. */
#define KEPT_BITS 10
#define KEPT (1 << KEPT_BITS)

/* In bytes. Lua hashes no longer ones. */
#define LONGEST_KEPT 40

/* A slot, which holds one of the strings whose hashes lead to it. The bytes belong to a Lua string, which a table holds
   under the number of the slot. */
typedef struct kept_string {
  const char *text;
  uint32_t size; /* 0: there is none */
  uint32_t latest; /* the hash of the latest other string. If that comes once more, it is kept */
} kept_string;

typedef struct reader {
  lua_State *L;
  const uint64_t *at;
  const uint8_t *strings;
  int array;
  kept_string *kept;
  int kept_table;
  int has_numbers; /* see tk_json_push_tape */
} reader;

static void push_value(reader *R);

static char kind(uint64_t word) { return (char)(word >> 56); }

static int count(uint64_t word) { return (int)(word >> 32 & 0xFFFFFF); }

static const char *peek_string(const reader *R, size_t *size) {
  const uint8_t *string = R->strings + (*R->at & 0xFFFFFFFFFFFFFF);
  uint32_t count;
  memcpy(&count, string, sizeof count);
  *size = count;
  return (const char *)string + sizeof count;
}

void tk_json_push_kept(lua_State *L) {
  int slot;
  memset(lua_newuserdata(L, KEPT * sizeof(kept_string)), 0, KEPT * sizeof(kept_string));
  lua_createtable(L, KEPT, 0);
  for (slot = 1; slot <= KEPT; slot++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, slot);
  }
}

static uint64_t word(const char *text) {
  uint64_t bytes;
  memcpy(&bytes, text, sizeof bytes);
  return bytes;
}

static uint32_t half_word(const char *text) {
  uint32_t bytes;
  memcpy(&bytes, text, sizeof bytes);
  return bytes;
}

/* Of texts of the same kind, such as ids, names with a number, times, some part differs: its first bytes, its last, or
   those in the middle. The size is not 0. */
static uint32_t hash_of(const char *text, size_t size) {
  uint64_t first, middle = 0, last;
  if (size >= 8) {
    first = word(text), middle = word(text + size / 2 - 4), last = word(text + size - 8);
  } else if (size >= 4) {
    first = half_word(text), last = half_word(text + size - 4);
  } else {
    first = (unsigned char)text[0], middle = (unsigned char)text[size / 2], last = (unsigned char)text[size - 1];
  }
  return (uint32_t)(((first * 31 + middle) * 31 + last + size) * 0x9E3779B97F4A7C15u >> 32);
}

/* For short texts this takes fewer steps than a call of memcmp. The size is not 0. */
static int is_same(const char *one, const char *other, size_t size) {
  size_t i;
  if (size < 4) return one[0] == other[0] && one[size / 2] == other[size / 2] && one[size - 1] == other[size - 1];
  if (size < 8) return half_word(one) == half_word(other) && half_word(one + size - 4) == half_word(other + size - 4);
  for (i = 0; i < size - 8; i += 8)
    if (word(one + i) != word(other + i)) return 0;
  return word(one + size - 8) == word(other + size - 8);
}

static void push_string(reader *R) {
  lua_State *L = R->L;
  size_t size;
  const char *text = peek_string(R, &size);
  kept_string *kept;
  uint32_t hash, slot;
  R->at++;
  if (size == 0 || size > LONGEST_KEPT) {
    lua_pushlstring(L, text, size);
    return;
  }
  hash = hash_of(text, size);
  slot = hash >> (32 - KEPT_BITS); /* the lower bits depend on fewer of the bytes */
  kept = &R->kept[slot];
  if (kept->size == size && is_same(kept->text, text, size)) {
    lua_rawgeti(L, R->kept_table, (int)slot + 1);
    return;
  }
  lua_pushlstring(L, text, size); /* may run a finalizer that decodes, and so keeps other strings */
  if (kept->latest != hash) {
    kept->latest = hash;
    return;
  }
  lua_pushvalue(L, -1);
  lua_rawseti(L, R->kept_table, (int)slot + 1);
  kept->text = lua_tostring(L, -1);
  kept->size = (uint32_t)size;
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
  if (kind(*R->at) != '}') {
    size_t ignored;
    const char *name = peek_string(R, &ignored);
    R->has_numbers |= *name >= '0' && *name <= '9';
  }
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

int tk_json_push_tape(lua_State *L, int array, int kept, const tk_tape *tape, const char *member, int *has_numbers) {
  reader R;
  R.L = L;
  R.at = tape->words + 1; /* the first word stands for the whole document */
  if (member != NULL) R.at = find_member(tape, R.at, member);
  if (R.at == NULL) return 0;
  R.strings = tape->strings;
  R.array = array;
  R.kept = (kept_string *)lua_touserdata(L, kept);
  R.kept_table = kept + 1;
  R.has_numbers = 0;
  push_value(&R);
  *has_numbers = R.has_numbers;
  return 1;
}
