/***
JSON text to Lua values.
@submodule timekit.core
*/
/*
 * lua-cjson decodes; a walk over the text and the decoded values then refuses what lua-cjson
 * lets pass, marks the arrays, and gives numbers the one type that belongs to them. So the values are the same
 * whichever lua-cjson is installed: some know integers, most lose empty arrays, all take "1." and what follows a NUL.
 */
#include "json/json.h"

#include <float.h>
#include <langinfo.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* lua-cjson counts in int and rounds sizes up. */
#define LONGEST ((size_t)INT_MAX / 2)

/* Integers of more digits than this are read here: some lua-cjson stop at 2^63-1, silently. */
#define SAFE_DIGITS 15

#define LARGEST_INTEGER 9007199254740991.0 /* 2^53-1: beyond, neighbours share one float */

/* Upvalues of decode. */
#define ARRAY lua_upvalueindex(1)
#define CJSON_DECODE lua_upvalueindex(2)
#define CJSON_NEW lua_upvalueindex(3)
#define DECIMAL_POINT lua_upvalueindex(4)

typedef struct reader {
  lua_State *L;
  const char *at; /* in a Lua string, so a NUL stops every scan at the latest behind its end */
  const char *expected;
  int displaced; /* see walk_number */
} reader;

typedef enum verdict { REFUSED, KEPT, CHANGED } verdict;

static verdict walk_value(reader *R, int depth);

static verdict refuse(reader *R, const char *expected) {
  R->expected = expected;
  return REFUSED;
}

static void skip_space(reader *R) {
  while (*R->at == ' ' || *R->at == '\n' || *R->at == '\r' || *R->at == '\t') R->at++;
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static int skip_digits(reader *R) {
  const char *start = R->at;
  while (is_digit(*R->at)) R->at++;
  return R->at > start;
}

static verdict skip_word(reader *R, const char *word) {
  size_t size = strlen(word);
  if (strncmp(R->at, word, size) != 0) return refuse(R, "a value");
  R->at += size;
  return KEPT;
}

/* Bytes inside a string stay as they came, raw control characters and broken UTF-8 as well: a bad byte in a
   description must not make an answer unreadable, and with it the outcome of an action unknown. */
static verdict skip_string(reader *R, int *escaped) {
  *escaped = 0;
  if (*R->at != '"') return refuse(R, "a string");
  for (R->at++; *R->at != '"'; R->at++) {
    if (*R->at == '\\') {
      *escaped = 1;
      R->at++;
    }
    if (*R->at == '\0') return refuse(R, "the end of the string");
  }
  R->at++;
  return KEPT;
}

/* *whole tells whether it is written without fraction and exponent. */
static verdict skip_number(reader *R, int *whole) {
  *whole = 1;
  if (*R->at == '-') R->at++;
  if (*R->at == '0')
    R->at++;
  else if (!skip_digits(R))
    return refuse(R, "a value");
  if (*R->at == '.') {
    *whole = 0;
    R->at++;
    if (!skip_digits(R)) return refuse(R, "a digit");
  }
  if (*R->at == 'e' || *R->at == 'E') {
    *whole = 0;
    R->at++;
    if (*R->at == '+' || *R->at == '-') R->at++;
    if (!skip_digits(R)) return refuse(R, "a digit");
  }
  return KEPT;
}

/* Pushes what lua-cjson makes of a piece of the text: a key or a number. */
static void push_piece(lua_State *L, const char *text, size_t size) {
  lua_pushvalue(L, CJSON_DECODE);
  lua_pushlstring(L, text, size);
  lua_call(L, 1, 1);
}

/* -0 becomes 0, as it would where it became an integer. */
int tk_json_push_number(lua_State *L, double number) {
#if TK_INTEGERS
  if (number >= -LARGEST_INTEGER && number <= LARGEST_INTEGER && number == (double)(lua_Integer)number) {
    lua_pushinteger(L, (lua_Integer)number);
    return 1;
  }
  lua_pushnumber(L, number);
  return 0;
#else
  lua_pushnumber(L, number == 0 ? 0 : number);
  return number == 0;
#endif
}

/* Replaces the number on top of the stack by the one that the text means. If there is no number, the text is an earlier
   one of several members with one name, of which the last counts. An earlier one of many digits cannot be told from
   one that lua-cjson cut short, and displaces the number of the last: numbers behind it are then decoded again. */
static verdict walk_number(reader *R) {
  lua_State *L = R->L;
  const char *start = R->at;
  int whole, reread;
  double number;
  if (!skip_number(R, &whole)) return REFUSED;
  if (lua_type(L, -1) != LUA_TNUMBER) return KEPT;
  reread = whole && R->at - start > SAFE_DIGITS;
  if (reread) {
    /* A copy, which ends where the number does: strtod would read on over a comma that is the decimal point of the
       locale. Digits alone mean the same in every locale. */
    lua_pushlstring(L, start, (size_t)(R->at - start));
    number = strtod(lua_tostring(L, -1), NULL);
    lua_pop(L, 1);
    if (number != lua_tonumber(L, -1)) R->displaced = 1;
  } else {
    if (R->displaced) {
      lua_pop(L, 1);
      push_piece(L, start, (size_t)(R->at - start));
    }
    number = lua_tonumber(L, -1);
  }
  if (number > DBL_MAX || number < -DBL_MAX) {
    R->at = start;
    return refuse(R, "a number within the range of a float");
  }
  lua_pop(L, 1);
  return tk_json_push_number(L, number) || reread || R->displaced ? CHANGED : KEPT;
}

/* Strings and words are right as lua-cjson decoded them: no need to fetch them from the decoded table. */
static int is_plain(char c) { return c == '"' || c == 't' || c == 'f' || c == 'n'; }

static verdict skip_plain(reader *R) {
  int escaped;
  switch (*R->at) {
  case '"': return skip_string(R, &escaped);
  case 't': return skip_word(R, "true");
  case 'f': return skip_word(R, "false");
  default: return skip_word(R, "null");
  }
}

/* Behind an element or a member: on to the next one. */
static verdict next_item(reader *R, char close, int *more) {
  skip_space(R);
  *more = *R->at == ',';
  if (!*more && *R->at != close) return refuse(R, close == ']' ? "a comma or ]" : "a comma or }");
  R->at++;
  skip_space(R);
  return KEPT;
}

/* The decoded value is on top of the stack. It is no array if a later member of the same name replaced it; then there
   is only text to check. The marks that an earlier member leaves in a later one are corrected when that one's own text
   is walked, since the last member's text covers the whole decoded value. */
static verdict walk_array(reader *R, int depth) {
  lua_State *L = R->L;
  int index, more, table = lua_istable(L, -1);
  if (table) {
    lua_pushvalue(L, ARRAY);
    lua_setmetatable(L, -2);
  }
  R->at++;
  skip_space(R);
  if (*R->at == ']') {
    R->at++;
    return KEPT;
  }
  for (index = 1, more = 1; more; index++) {
    if (is_plain(*R->at)) {
      if (!skip_plain(R)) return REFUSED;
    } else {
      if (table)
        lua_rawgeti(L, -1, index);
      else
        lua_pushnil(L);
      switch (walk_value(R, depth)) {
      case REFUSED: return REFUSED;
      case KEPT: lua_pop(L, 1); break;
      case CHANGED: lua_rawseti(L, -2, index); break;
      }
    }
    if (!next_item(R, ']', &more)) return REFUSED;
  }
  return KEPT;
}

/* As walk_array. */
static verdict walk_object(reader *R, int depth) {
  lua_State *L = R->L;
  int more, table = lua_istable(L, -1);
  if (table && lua_getmetatable(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_setmetatable(L, -2);
  }
  R->at++;
  skip_space(R);
  if (*R->at == '}') {
    R->at++;
    return KEPT;
  }
  for (more = 1; more;) {
    const char *key = R->at;
    size_t key_size;
    int escaped;
    if (!skip_string(R, &escaped)) return REFUSED;
    key_size = (size_t)(R->at - key);
    skip_space(R);
    if (*R->at != ':') return refuse(R, "a colon");
    R->at++;
    skip_space(R);
    if (is_plain(*R->at)) {
      if (!skip_plain(R)) return REFUSED;
    } else {
      if (escaped)
        push_piece(L, key, key_size);
      else
        lua_pushlstring(L, key + 1, key_size - 2);
      if (table) {
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
      } else
        lua_pushnil(L);
      switch (walk_value(R, depth)) {
      case REFUSED: return REFUSED;
      case KEPT: lua_pop(L, 2); break;
      case CHANGED: lua_rawset(L, -3); break;
      }
    }
    if (!next_item(R, '}', &more)) return REFUSED;
  }
  return KEPT;
}

static verdict walk_value(reader *R, int depth) {
  if (is_plain(*R->at)) return skip_plain(R);
  if (*R->at != '[' && *R->at != '{') return walk_number(R);
  if (depth == TK_JSON_DEPTH) return refuse(R, "less nesting");
  return *R->at == '[' ? walk_array(R, depth + 1) : walk_object(R, depth + 1);
}

/* Pushes the decode function of a fresh private lua-cjson, `new` being at the given index; pushes nothing if that
   lua-cjson is too old. Fresh, because options belong to an instance, and the shared one is everybody's. */
static int push_decoder(lua_State *L, int new_index) {
  lua_pushvalue(L, new_index);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "decode_max_depth");
  lua_getfield(L, -2, "decode_invalid_numbers");
  if (!lua_isfunction(L, -2) || !lua_isfunction(L, -1)) {
    lua_pop(L, 3);
    return 0;
  }
  lua_pushboolean(L, 0);
  lua_call(L, 1, 0);
  lua_pushinteger(L, TK_JSON_DEPTH);
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "decode");
  lua_remove(L, -2);
  return 1;
}

/* The decimal point of the locale; 0 if it is no single byte, with which lua-cjson aborts the process. Not from
   localeconv, whose answer all threads share. */
static int decimal_point(void) {
  const char *point = nl_langinfo(RADIXCHAR);
  return point[0] != '\0' && point[1] == '\0' ? (unsigned char)point[0] : 0;
}

/* lua-cjson looks up the decimal point when an instance is made. If the host changes its locale later, `[1,2]` reads
   as one element of 1.2: then a new instance is due. */
static void follow_locale(lua_State *L) {
  int point = decimal_point();
  if (point == 0 || point == (int)lua_tointeger(L, DECIMAL_POINT)) return;
  push_decoder(L, CJSON_NEW);
  lua_replace(L, CJSON_DECODE);
  lua_pushinteger(L, point);
  lua_replace(L, DECIMAL_POINT);
}

/***
Reads JSON text. Numbers without a fraction and of magnitude up to 2^53-1 are integers on Lua 5.3 and newer, all others
floats; arrays are marked (`is_array`); null is `null`. Where an object has a name twice, the last one counts.
Invalid UTF-8 and control characters in a string are passed on as they are.
@function decode
@tparam string text
@return the value, never nil
@treturn[2] nil
@treturn[2] string what was expected where (the text is not quoted): the text is no JSON as of RFC 8259, has a byte
order mark or lone surrogates, nests deeper than 64, or has a number too large for a float
@usage local value, message = core.decode('{"seats":[]}')
*/
static int decode(lua_State *L) {
  reader R;
  const char *text;
  size_t size;
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  text = lua_tolstring(L, 1, &size);
  if (size > LONGEST) {
    lua_pushnil(L);
    lua_pushliteral(L, "text too long");
    return 2;
  }
  luaL_checkstack(L, 3 * TK_JSON_DEPTH + LUA_MINSTACK, "decode");
  follow_locale(L);
  lua_pushvalue(L, CJSON_DECODE);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 2);
  if (lua_isnil(L, 2)) return 2;
  lua_settop(L, 2);
  R.L = L;
  R.at = text;
  R.expected = "the end";
  R.displaced = 0;
  skip_space(&R);
  if (walk_value(&R, 0)) {
    skip_space(&R);
    if (R.at == text + size) return 1;
  }
  lua_pushnil(L);
  lua_pushfstring(L, "Expected %s at character %d", R.expected, (int)(R.at - text) + 1);
  return 2;
}

#define INSTALL \
  "lua-cjson 2.1 or newer is needed (Debian: apt-get install lua-cjson; LuaRocks: luarocks install lua-cjson)"

void tk_json_push_cjson(lua_State *L) {
  int point = decimal_point();
  if (point == 0) luaL_error(L, "lua-cjson cannot start in this locale, whose decimal point is not one byte");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson.safe");
  if (lua_pcall(L, 1, 1, 0) != 0) luaL_error(L, INSTALL "; it did not load: %s", lua_tostring(L, -1));
  lua_getfield(L, -1, "new");
  if (!lua_isfunction(L, -1) || !push_decoder(L, lua_gettop(L))) luaL_error(L, INSTALL "; an older one was found");
  lua_insert(L, -2);
  lua_remove(L, -3);
  lua_pushinteger(L, point);
  lua_pushcclosure(L, decode, 4);
}
