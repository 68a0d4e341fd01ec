/***
JSON text to Lua values.
@submodule timekit.core
*/
/*
 * lua-cjson decodes the text. Then a walk over both the text and the decoded values refuses what lua-cjson wrongly
 * accepts, marks the arrays, and gives each number its type. So the values are the same for all versions of lua-cjson:
 * some know integers, most cannot tell an empty array from an empty object, and all accept "1." and text after a NUL.
 */
#include "engine/platform.h"
#include "json/json.h"
#include "json/utf8.h"

#include <float.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* In bytes. lua-cjson counts in int, and rounds sizes up. */
#define LONGEST ((size_t)INT_MAX / 2)

/* Integers with more digits are read here, because some versions of lua-cjson silently cut them at 2^63-1. */
#define SAFE_DIGITS 15

#define LARGEST_INTEGER 9007199254740991.0 /* 2^53-1: above it, different integers become the same float */

/* The upvalues of decode; DECIMAL_POINT is that of the locale in which CJSON_DECODE was made. */
#define ARRAY lua_upvalueindex(1)
#define CJSON_DECODE lua_upvalueindex(2)
#define CJSON_NEW lua_upvalueindex(3)
#define DECIMAL_POINT lua_upvalueindex(4)

typedef struct reader {
  lua_State *L;
  const char *at; /* points into a Lua string, so the NUL after its end stops every scan */
  const char *expected; /* after REFUSED: what should stand at `at` */
  int displaced; /* see walk_number */
} reader;

/* What a step of the walk says of the decoded value on top of the stack: CHANGED means that it was replaced there, and
   has to be stored in its table again. */
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

/* Control characters and invalid UTF-8 in a string are accepted. A bad byte in a description must not make an answer
   unreadable, because the outcome of an action would then be unknown. */
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

/* *whole becomes 1 if the number has neither fraction nor exponent. */
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

/* Decodes a piece of the text, a key or a number, with lua-cjson, and pushes the value. */
static void push_piece(lua_State *L, const char *text, size_t size) {
  lua_pushvalue(L, CJSON_DECODE);
  lua_pushlstring(L, text, size);
  lua_call(L, 1, 1);
}

/* Without integers, -0 becomes 0 too, so that all versions of Lua give the same value. */
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

/* Replaces the decoded number on top of the stack by the number in the text. If the decoded value is not a number, an
   object has this name twice, and the text is at the first of the two members; the last one counts, so the text is only
   checked. If both members are numbers and the first has many digits, it looks like a number that lua-cjson has cut,
   and replaces the value of the last. `displaced` notes this, and all later numbers are decoded again. */
static verdict walk_number(reader *R) {
  lua_State *L = R->L;
  const char *start = R->at;
  int whole, reread;
  double number;
  if (!skip_number(R, &whole)) return REFUSED;
  if (lua_type(L, -1) != LUA_TNUMBER) return KEPT;
  reread = whole && R->at - start > SAFE_DIGITS;
  if (reread) {
    /* strtod gets a copy that ends with the number. In the text it would read on past a comma, if the locale's decimal
       point is one. Digits mean the same in every locale. */
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

/* Starts a string, true, false or null. lua-cjson decodes these correctly, so the walk only checks their text. */
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

/* Goes from the end of an element or member to the start of the next; *more becomes 0 after the last one. */
static verdict next_item(reader *R, char close, int *more) {
  skip_space(R);
  *more = *R->at == ',';
  if (!*more && *R->at != close) return refuse(R, close == ']' ? "a comma or ]" : "a comma or }");
  R->at++;
  skip_space(R);
  return KEPT;
}

/* Checks an array's text and marks the decoded value on top of the stack. If an object has this name twice, the
   decoded value belongs to the last member, and may not be a table. Then the first member's text is only checked. If
   it is a table, the first member may mark it wrongly; the walk over the last member's text corrects that. */
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

/* The same for an object, which has no mark. */
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

/* Pushes the decode function of a new instance of lua-cjson, whose function `new` is at `new_index`. An own instance
   is needed because we set its options, and other code uses the shared one. 0: this lua-cjson is too old; nothing is
   pushed. */
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

/* The locale's decimal point; 0 if it is more than one byte, since lua-cjson would abort the process. */
static int decimal_point(void) {
  const char *point = tk_radix_character();
  return point[0] != '\0' && point[1] == '\0' ? (unsigned char)point[0] : 0;
}

/* Makes a new instance of lua-cjson if the host has changed its locale. An instance keeps the decimal point of the
   time when it was made; with the wrong one it reads `[1,2]` as one element, 1.2. */
static void follow_locale(lua_State *L) {
  int point = decimal_point();
  if (point == 0 || point == (int)lua_tointeger(L, DECIMAL_POINT)) return;
  push_decoder(L, CJSON_NEW);
  lua_replace(L, CJSON_DECODE);
  lua_pushinteger(L, point);
  lua_replace(L, DECIMAL_POINT);
}

/* The four hexadecimal digits at `s`; -1 if there are fewer. */
static int hex4(const char *s) {
  int code = 0, i;
  for (i = 0; i < 4; i++) {
    char c = s[i];
    int letter = (c | 0x20) - 'a' + 10;
    if (!is_digit(c) && (letter < 10 || letter > 15)) return -1;
    code = code * 16 + (is_digit(c) ? c - '0' : letter);
  }
  return code;
}

static int is_surrogate(int code, int first) { return code >= first && code < first + 0x400; }

/* The next escape of a surrogate that has no other half; NULL if there is none. The search ends at a NUL, and a text
   with a NUL is refused anyway. */
static const char *find_lone_surrogate(const char *text) {
  const char *at;
  for (at = strchr(text, '\\'); at != NULL; at = strchr(at, '\\')) {
    int code = at[1] == 'u' ? hex4(at + 2) : -1;
    if (at[1] == '\0') return NULL;
    if (is_surrogate(code, 0xD800) && at[6] == '\\' && at[7] == 'u' && is_surrogate(hex4(at + 8), 0xDC00))
      at += 12;
    else if (is_surrogate(code, 0xD800) || is_surrogate(code, 0xDC00))
      return at;
    else
      at += 2;
  }
  return NULL;
}

/* Replaces the text at stack index 1 by one that lua-cjson can read: without the byte order mark, which a parser may
   ignore (RFC 8259, 8.1), and with U+FFFD for each lone surrogate. lua-cjson refuses the whole text for either. The
   escape of U+FFFD is as long as the one that it replaces, so the positions in messages stay right. */
static void prepare(lua_State *L) {
  size_t size;
  const char *text = lua_tolstring(L, 1, &size);
  const char *lone = find_lone_surrogate(text);
  size_t mark = tk_utf8_mark(text, size);
  char *copy;
  if (mark == 0 && lone == NULL) return;
  copy = (char *)lua_newuserdata(L, size + 1);
  memcpy(copy, text, size + 1);
  while (lone != NULL) {
    memcpy(copy + (lone - text), "\\ufffd", 6);
    lone = find_lone_surrogate(lone + 6);
  }
  lua_pushlstring(L, copy + mark, size - mark);
  lua_replace(L, 1);
  lua_settop(L, 1);
}

/***
Decodes JSON text. On Lua 5.3 and newer, numbers without a fraction become integers up to 2^53-1 in magnitude; all other
numbers are floats. Arrays are marked, see `is_array`. JSON's null becomes `null`. If an object has a name twice, the
last one counts. Invalid UTF-8 and control characters in strings are kept. A byte order mark before the text is skipped.
The escape of half a surrogate pair becomes U+FFFD, as a text that was cut in the middle of an emoji has one.
@function decode
@tparam string text
@return the value, never nil
@treturn[2] nil the text is not JSON as in RFC 8259, nests deeper than 64 levels, or has a number that is too large for
a float
@treturn[2] string what was expected, and where, not counting a byte order mark; the text is not quoted
@raise `text` is not a string
@usage local value, message = core.decode('{"seats":[]}')
*/
static int decode(lua_State *L) {
  reader R;
  const char *text;
  size_t size;
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  if (tk_rawlen(L, 1) > LONGEST) {
    lua_pushnil(L);
    lua_pushliteral(L, "text too long");
    return 2;
  }
  prepare(L);
  text = lua_tolstring(L, 1, &size);
  tk_checkstack(L, 3 * TK_JSON_DEPTH + LUA_MINSTACK);
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

void tk_json_require_cjson(lua_State *L) {
  if (decimal_point() == 0)
    luaL_error(L, "lua-cjson cannot start in this locale, whose decimal point is not one byte");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson.safe");
  if (lua_pcall(L, 1, 1, 0) != 0) luaL_error(L, INSTALL "; it did not load: %s", lua_tostring(L, -1));
}

void tk_json_push_cjson(lua_State *L) {
  tk_json_require_cjson(L);
  lua_getfield(L, -1, "new");
  if (!lua_isfunction(L, -1) || !push_decoder(L, lua_gettop(L))) luaL_error(L, INSTALL "; an older one was found");
  lua_insert(L, -2);
  lua_remove(L, -3);
  lua_pushinteger(L, decimal_point());
  lua_pushcclosure(L, decode, 4);
}
