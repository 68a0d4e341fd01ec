/***
Lua values to JSON text.
@submodule timekit.core
*/
/*
 * lua-cjson is not used, because Debian's version loses data: it cannot write an empty array, cuts integers to 14
 * digits, changes mixed tables, and passes invalid UTF-8 on. This encoder refuses what JSON cannot express, and names
 * the path to it. It reads tables without metamethods, so none of the caller's code runs while it writes.
 */
#include "json/json.h"
#include "json/utf8.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_PLAIN 9007199254740992.0 /* 2^53: all digits of a whole float up to here are exact */
#define NO_LIMIT ((size_t)-1 / 4)        /* sums of sizes below it do not wrap around */
#define ARRAY lua_upvalueindex(1)
#define EMPTY_ARRAY_MT lua_upvalueindex(2)
#define EMPTY_ARRAY lua_upvalueindex(3)
#define SHOWN 40                         /* bytes of a key that a message shows */

/* A table that is being written. There is one for each level of nesting, on the C stack. */
typedef struct place {
  const struct place *outer;
  const void *table; /* to find cycles */
  int key;           /* in an object: stack index of the current member's name; 0 in an array */
  lua_Integer index; /* in an array: the current element */
  int depth;
} place;

/* The text begins in `first`, on the C stack, which is enough for most requests. A longer text moves into a userdata,
   so that nothing has to be freed if Lua raises an error. */
typedef struct writer {
  lua_State *L;
  const char *root;   /* what messages call the outermost value */
  const char *reason; /* after a failure; its message is on top of the stack */
  const place *at;    /* the innermost table that is being written */
  char *text;
  size_t size, room, limit; /* bytes: written, available at `text`, allowed */
  int owner;                /* stack index of the userdata */
  char first[1024];
} writer;

static int write_value(writer *W);

/* Adds a key as messages show it: in quotes, on one line, cut to SHOWN bytes. */
static void add_quoted(luaL_Buffer *B, const char *key, size_t size) {
  size_t i = 0;
  char hex[8];
  luaL_addchar(B, '"');
  while (i < size && i < SHOWN) {
    size_t sequence = tk_utf8_sequence(key + i);
    if (sequence == 0 || tk_utf8_is_control(key + i)) {
      snprintf(hex, sizeof hex, "\\x%02X", (unsigned)(unsigned char)key[i++]);
      luaL_addstring(B, hex);
      continue;
    }
    if (key[i] == '"' || key[i] == '\\') luaL_addchar(B, '\\');
    luaL_addlstring(B, key + i, sequence);
    i += sequence;
  }
  if (i < size) luaL_addstring(B, "...");
  luaL_addchar(B, '"');
}

/* Whether a path can show the key as `.key`. */
static int is_name(const char *key, size_t size) {
  size_t i;
  for (i = 0; i < size; i++) {
    char c = key[i];
    int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return 0;
  }
  return size > 0 && size <= SHOWN;
}

/* Adds the path from the outermost table to `last`. */
static void add_steps(lua_State *L, luaL_Buffer *B, const place *last) {
  if (last == NULL) return;
  add_steps(L, B, last->outer);
  if (last->key == 0) {
    char index[32];
    snprintf(index, sizeof index, "[%.0f]", (double)last->index);
    luaL_addstring(B, index);
  } else {
    size_t size;
    const char *key = lua_tolstring(L, last->key, &size);
    if (is_name(key, size)) {
      luaL_addchar(B, '.');
      luaL_addlstring(B, key, size);
    } else {
      luaL_addchar(B, '[');
      add_quoted(B, key, size);
      luaL_addchar(B, ']');
    }
  }
}

/* Pushes the path to the current value of `last`, such as inputs.list[3]. */
static const char *push_path(writer *W, const place *last) {
  luaL_Buffer B;
  luaL_buffinit(W->L, &B);
  luaL_addstring(&B, W->root);
  add_steps(W->L, &B, last);
  luaL_pushresult(&B);
  return lua_tostring(W->L, -1);
}

/* Pushes what messages call the key at `index` of the stack. */
static const char *push_key_name(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) {
    luaL_Buffer B;
    size_t size;
    const char *key = lua_tolstring(L, index, &size);
    luaL_buffinit(L, &B);
    luaL_addstring(&B, "the key ");
    add_quoted(&B, key, size);
    luaL_pushresult(&B);
  } else if (lua_type(L, index) == LUA_TNUMBER) {
    lua_pushfstring(L, "the key %s", lua_tostring(L, index));
  } else {
    lua_pushfstring(L, "a %s as key", luaL_typename(L, index));
  }
  return lua_tostring(L, -1);
}

/* Fails because of the current value of `where`; what is wrong with it is on top of the stack. Pushes the message. */
static int fail(writer *W, const place *where, const char *reason) {
  const char *message = lua_tostring(W->L, -1);
  const char *path = push_path(W, where);
  lua_pushfstring(W->L, "%s: %s", path, message);
  W->reason = reason;
  return 0;
}

static int fail_type(writer *W, const place *where, const char *message) {
  lua_pushfstring(W->L, "cannot encode %s", message);
  return fail(W, where, "type");
}

/* Makes room for `size` more bytes and returns where they go. NULL: they exceed the limit; the failure is recorded. */
static char *reserve(writer *W, size_t size) {
  if (size > W->limit - W->size) {
    char message[80];
    snprintf(message, sizeof message, "the JSON text is longer than the limit of %.0f bytes", (double)W->limit);
    lua_pushstring(W->L, message);
    fail(W, W->at, "size");
    return NULL;
  }
  if (size > W->room - W->size) {
    size_t needed = W->size + size, room = 2 * W->room > needed ? 2 * W->room : needed;
    char *text = (char *)lua_newuserdata(W->L, room);
    memcpy(text, W->text, W->size);
    lua_replace(W->L, W->owner);
    W->text = text;
    W->room = room;
  }
  return W->text + W->size;
}

static int write_bytes(writer *W, const char *bytes, size_t size) {
  char *to = reserve(W, size);
  if (to == NULL) return 0;
  memcpy(to, bytes, size);
  W->size += size;
  return 1;
}

static int write_escape(writer *W, char c) {
  static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  const char *name;
  char unicode[8];
  for (name = named; *name != '\0'; name += 2) {
    if (*name == c) {
      unicode[0] = '\\';
      unicode[1] = name[1];
      return write_bytes(W, unicode, 2);
    }
  }
  snprintf(unicode, sizeof unicode, "\\u%04x", (unsigned)c);
  return write_bytes(W, unicode, 6);
}

/* Whether a byte is ASCII that needs no escape. The NUL after a Lua string is not, so it ends a scan. */
static int is_plain(char c) {
  unsigned char byte = (unsigned char)c;
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Writes a string in quotes. Returns 0 on failure. If the UTF-8 is invalid, no failure is recorded and *bad is the
   position of the byte, counted from 1, because only the caller knows whether this is a key or a value. */
static int write_string(writer *W, const char *s, size_t size, size_t *bad) {
  size_t i = 0, written = 0;
  *bad = 0;
  /* Escapes may take up to six times as much. This is the least that is needed, and it stops a string that exceeds the
     limit before it is read. */
  if (reserve(W, size + 2) == NULL || !write_bytes(W, "\"", 1)) return 0;
  for (;;) {
    while (is_plain(s[i])) i++;
    if (i == size) break;
    if ((unsigned char)s[i] < 0x80) {
      if (!write_bytes(W, s + written, i - written) || !write_escape(W, s[i])) return 0;
      written = ++i;
    } else {
      size_t sequence = tk_utf8_sequence(s + i);
      if (sequence == 0) {
        *bad = i + 1;
        return 0;
      }
      i += sequence;
    }
  }
  return write_bytes(W, s + written, size - written) && write_bytes(W, "\"", 1);
}

/* Replaces the locale's decimal point, which may be several bytes long, by a full stop. */
static void plain_point(char *number) {
  static const char others[] = "0123456789+-e";
  size_t start = strspn(number, others), size = strcspn(number + start, others);
  if (size == 0) return;
  number[start] = '.';
  memmove(number + start + 1, number + start + size, strlen(number + start + size) + 1);
}

/* Whole numbers up to 2^53 are written without exponent or fraction; others with as few digits as keep their value. */
static int write_float(writer *W, double number) {
  char text[64];
  if (number != number) return fail_type(W, W->at, "NaN");
  if (number > DBL_MAX || number < -DBL_MAX) return fail_type(W, W->at, "an infinite number");
  if (number == 0 && signbit(number)) return write_bytes(W, "-0.0", 4);
  if (number >= -LARGEST_PLAIN && number <= LARGEST_PLAIN && number == (double)(long long)number) {
    snprintf(text, sizeof text, "%.0f", number);
  } else {
    int precision;
    for (precision = 15; precision <= 17; precision++) {
      snprintf(text, sizeof text, "%.*g", precision, number);
      if (strtod(text, NULL) == number) break;
    }
    plain_point(text);
  }
  return write_bytes(W, text, strlen(text));
}

static int write_number(writer *W) {
#if TK_INTEGERS
  if (lua_isinteger(W->L, -1)) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(W->L, -1));
    return write_bytes(W, text, strlen(text));
  }
#endif
  return write_float(W, lua_tonumber(W->L, -1));
}

static int write_string_value(writer *W) {
  size_t size, bad;
  const char *s = lua_tolstring(W->L, -1, &size);
  char message[64];
  if (write_string(W, s, size, &bad)) return 1;
  if (bad == 0) return 0;
  snprintf(message, sizeof message, "invalid UTF-8 (at byte %.0f)", (double)bad);
  return fail_type(W, W->at, message);
}

static int write_key(writer *W, const place *where, int key) {
  lua_State *L = W->L;
  size_t size, bad;
  const char *s = lua_tolstring(L, key, &size);
  if (write_string(W, s, size, &bad)) return write_bytes(W, ":", 1);
  if (bad == 0) return 0;
  lua_pushfstring(L, "invalid UTF-8 in %s", push_key_name(L, key));
  return fail_type(W, where, lua_tostring(L, -1));
}

static int fail_sparse(writer *W, const place *where, lua_Integer missing) {
  char message[64];
  snprintf(message, sizeof message, "a sparse array (index %.0f is missing)", (double)missing);
  return fail_type(W, where, message);
}

/* Refuses the current value of `where`, a table, because of the key at stack index `key`: it is not a string, or not
   among the indices 1 to `length` of an array. */
static int fail_key(writer *W, const place *where, int key, int is_array, lua_Integer length) {
  lua_State *L = W->L;
  lua_Number number = lua_type(L, key) == LUA_TNUMBER ? lua_tonumber(L, key) : 0;
  if (number >= 1 && (number > LARGEST_PLAIN || number == (lua_Number)(long long)number))
    return fail_sparse(W, where, length + 1);
  lua_pushfstring(L, is_array ? "an array that also has %s" : "a table with %s", push_key_name(L, key));
  return fail_type(W, where, lua_tostring(L, -1));
}

/* Writes the elements of the table on top of the stack. `length` does not rule out other keys or holes, so the keys
   are counted first. */
static int write_array(writer *W, place *here, lua_Integer length) {
  lua_State *L = W->L;
  int table = lua_gettop(L);
  if (tk_json_count(L, table, length) < 0) return fail_key(W, here->outer, table + 1, 1, length);
  for (here->index = 1; here->index <= length; here->index++) {
    tk_rawgeti(L, table, here->index);
    if (lua_isnil(L, -1)) return fail_sparse(W, here->outer, here->index);
    if (here->index > 1 && !write_bytes(W, ",", 1)) return 0;
    if (!write_value(W)) return 0;
    lua_pop(L, 1);
  }
  return 1;
}

/* Writes the members of the table on top of the stack, in the order in which Lua keeps them. */
static int write_object(writer *W, place *here) {
  lua_State *L = W->L;
  int table = lua_gettop(L), first = 1;
  here->key = table + 1;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (lua_type(L, here->key) != LUA_TSTRING) return fail_key(W, here->outer, here->key, 0, 0);
    if (!first && !write_bytes(W, ",", 1)) return 0;
    if (!write_key(W, here->outer, here->key) || !write_value(W)) return 0;
    lua_pop(L, 1);
    first = 0;
  }
  return 1;
}

/* An empty table is an object, unless it is marked as an array. */
static int write_table(writer *W) {
  lua_State *L = W->L;
  lua_Integer length = (lua_Integer)(tk_rawlen(L, -1));
  int written, is_array = length > 0 || tk_json_is_marked(L, ARRAY, EMPTY_ARRAY_MT);
  const place *p;
  place here;
  /* The stack grows level by level: if it grew for the deepest nesting at once, Lua would shrink it again each
     time. The slots that every C function has are enough for the outermost table, so that the stack of a coroutine that
     begins a call does not grow. */
  if (W->at != NULL) tk_checkstack(L, 2 * LUA_MINSTACK);
  here.outer = W->at;
  here.table = lua_topointer(L, -1);
  here.key = 0;
  here.index = 0;
  here.depth = W->at == NULL ? 1 : W->at->depth + 1;
  for (p = W->at; p != NULL; p = p->outer) {
    if (p->table != here.table) continue;
    lua_pushfstring(L, "a cycle (this is %s again)", push_path(W, p->outer));
    return fail_type(W, W->at, lua_tostring(L, -1));
  }
  if (here.depth > TK_JSON_DEPTH) {
    lua_pushfstring(L, "more than %d levels of nesting", TK_JSON_DEPTH);
    return fail_type(W, W->at, lua_tostring(L, -1));
  }
  if (!write_bytes(W, is_array ? "[" : "{", 1)) return 0;
  W->at = &here;
  written = is_array ? write_array(W, &here, length) : write_object(W, &here);
  W->at = here.outer;
  return written && write_bytes(W, is_array ? "]" : "}", 1);
}

/* Writes the value on top of the stack and leaves it there. 0 on failure; the message is then on top. */
static int write_value(writer *W) {
  lua_State *L = W->L;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: return write_string_value(W);
  case LUA_TNUMBER: return write_number(W);
  case LUA_TTABLE: return write_table(W);
  case LUA_TBOOLEAN: return lua_toboolean(L, -1) ? write_bytes(W, "true", 4) : write_bytes(W, "false", 5);
  case LUA_TNIL: return fail_type(W, W->at, "nil");
  case LUA_TLIGHTUSERDATA:
    if (lua_touserdata(L, -1) == NULL) return write_bytes(W, "null", 4);
    break;
  default: break;
  }
  if (lua_rawequal(L, -1, EMPTY_ARRAY)) return write_bytes(W, "[]", 2);
  lua_pushfstring(L, "a %s", luaL_typename(L, -1));
  return fail_type(W, W->at, lua_tostring(L, -1));
}

/* Prepares the writing of a text, with `root` at stack index `root_index` and `limit` after it. Leaves the `last`
   arguments and a place for the text's userdata on the stack. */
static void start_writing(lua_State *L, writer *W, int root_index, int last) {
  lua_Number limit = luaL_optnumber(L, root_index + 1, (lua_Number)NO_LIMIT);
  luaL_argcheck(L, limit >= 0, root_index + 1, "a number of bytes, 0 or more, expected");
  W->L = L;
  W->root = luaL_optstring(L, root_index, "value");
  W->limit = limit < (lua_Number)NO_LIMIT ? (size_t)limit : NO_LIMIT;
  W->at = NULL;
  W->reason = NULL;
  W->text = W->first;
  W->size = 0;
  W->room = sizeof W->first;
  W->owner = last + 1;
  lua_settop(L, last + 1);
}

/* Pushes the results of a function that writes a text. */
static int push_written(writer *W, int written) {
  lua_State *L = W->L;
  if (written) {
    lua_pushlstring(L, W->text, W->size);
    return 1;
  }
  lua_pushnil(L);
  lua_insert(L, -2);
  lua_pushstring(L, W->reason);
  return 3;
}

/***
Encodes a value as JSON text. A table with the keys 1 to n, or marked by `array`, becomes an array; any other table, an
empty one too, becomes an object. `empty_array`, `array_mt` and `empty_array_mt` of OpenResty's lua-cjson mean what they
mean there. Integers keep all digits. Floats are as short as possible without losing precision;
whole floats up to 2^53 have neither exponent nor fraction. Metamethods are not called. Members come in Lua's order.
@function encode
@param value any value
@tparam[opt="value"] string root what messages call `value`; paths begin with it
@tparam[opt] number limit the longest text allowed, in bytes; no limit without it
@tparam[opt=""] string before text that is put before the JSON, unchanged
@tparam[opt=""] string after text that is put after it, unchanged
@treturn string the text
@treturn[2] nil
@treturn[2] string the path to what cannot be encoded, and why: `inputs.list[3]: cannot encode a function`
@treturn[2] string "type": JSON cannot express it (functions, userdata, threads, NaN, infinities, cycles, more than 64
levels, sparse or mixed tables, keys that are not strings, invalid UTF-8); "size": the text is longer than `limit`
@raise `limit` is not a number, or is negative
@usage local text, message, reason = core.encode(inputs, "inputs", 1048576)
*/
static int encode(lua_State *L) {
  writer W;
  size_t before_size, after_size;
  const char *before = luaL_optlstring(L, 4, "", &before_size);
  const char *after = luaL_optlstring(L, 5, "", &after_size);
  luaL_checkany(L, 1);
  start_writing(L, &W, 2, 5);
  lua_pushvalue(L, 1);
  return push_written(&W, write_bytes(&W, before, before_size) && write_value(&W) &&
                            write_bytes(&W, after, after_size));
}

/***
Encodes a member of an object: its name, a colon and its value.
@function encode_member
@tparam string name
@tparam string name_root what messages call the name
@param value as for `encode`
@tparam string root as for `encode`
@tparam number limit as for `encode`
@tparam string before as for `encode`
@tparam string after as for `encode`
@return what `encode` returns
@usage core.encode_member("confirm", "action", { message = "Hi" }, "inputs", 1048576, "{", "}")
  --> '{"confirm":{"message":"Hi"}}'
*/
static int encode_member(lua_State *L) {
  writer W;
  const char *name_root, *root;
  size_t before_size, after_size;
  const char *before = luaL_checklstring(L, 6, &before_size);
  const char *after = luaL_checklstring(L, 7, &after_size);
  luaL_checktype(L, 1, LUA_TSTRING);
  name_root = luaL_checkstring(L, 2);
  start_writing(L, &W, 4, 7);
  root = W.root;
  W.root = name_root;
  lua_pushvalue(L, 1);
  if (!write_bytes(&W, before, before_size) || !write_string_value(&W) || !write_bytes(&W, ":", 1))
    return push_written(&W, 0);
  W.root = root;
  lua_pushvalue(L, 3);
  return push_written(&W, write_value(&W) && write_bytes(&W, after, after_size));
}

void tk_json_push_encode(lua_State *L) {
  int i;
  for (i = 0; i < 3; i++) lua_pushvalue(L, -3);
  lua_pushcclosure(L, encode_member, 3);
  lua_insert(L, -4);
  lua_pushcclosure(L, encode, 3);
}
