/***
Paths and percent-encoding.
@submodule timekit.core
*/
#include "bind/escape.h"

#include <string.h>

/* In bytes. A UUID has 36; nothing that is longer than this is meant to be an id or an action. */
#define LONGEST_SEGMENT ((size_t)1024)

/* The unreserved characters of RFC 3986, 2.3. Not isalnum, which depends on the locale. */
static int is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/* The number of bytes at the start of a text that stand for themselves. */
static size_t unreserved(const char *text, size_t size) {
  size_t i;
  for (i = 0; i < size && is_unreserved(text[i]); i++) continue;
  return i;
}

static void add_escaped(luaL_Buffer *buffer, const char *text, size_t size) {
  static const char digits[] = "0123456789ABCDEF";
  size_t i = unreserved(text, size);
  luaL_addlstring(buffer, text, i);
  for (; i < size; i++) {
    if (is_unreserved(text[i])) {
      luaL_addchar(buffer, text[i]);
    } else {
      luaL_addchar(buffer, '%');
      luaL_addchar(buffer, digits[(unsigned char)text[i] >> 4]);
      luaL_addchar(buffer, digits[(unsigned char)text[i] & 15]);
    }
  }
}

/* Pushes the text at stack index `index` percent-encoded. */
static void push_escaped(lua_State *L, int index) {
  luaL_Buffer buffer;
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  if (unreserved(text, size) == size) {
    lua_pushvalue(L, index);
    return;
  }
  luaL_buffinit(L, &buffer);
  add_escaped(&buffer, text, size);
  luaL_pushresult(&buffer);
}

/***
Percent-encodes all bytes of a text except the unreserved characters (RFC 3986, 2.3).
@function escape
@tparam string text
@treturn string
@usage core.escape "a/b"   --> "a%2Fb"
*/
static int escape(lua_State *L) {
  (void)luaL_checkstring(L, 1);
  push_escaped(L, 1);
  return 1;
}

static int has_control(const char *text, size_t size) {
  size_t i;
  for (i = 0; i < size; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) return 1;
  return 0;
}

/* Pushes why the value at stack index `index` cannot be a segment. 0: it can; nothing is pushed. */
static int push_segment_problem(lua_State *L, int index) {
  size_t size;
  const char *text;
  if (lua_type(L, index) != LUA_TSTRING) {
    lua_pushfstring(L, "expected a string, got %s", luaL_typename(L, index));
    return 1;
  }
  text = lua_tolstring(L, index, &size);
  if (size == 0) lua_pushliteral(L, "expected a name, got an empty string");
  else if (size > LONGEST_SEGMENT)
    lua_pushfstring(L, "expected at most %d bytes, got %d", (int)LONGEST_SEGMENT, (int)size);
  else if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) lua_pushfstring(L, "'%s' would be another path", text);
  else if (has_control(text, size)) lua_pushliteral(L, "control characters cannot stand in it");
  else return 0;
  return 1;
}

/***
Encodes a text as one segment of a path. Refused are the texts that could become another path (`.` and `..`, which
servers resolve even where they are percent-encoded), an empty one, one of more than 1,024 bytes, and control
characters, which no id or action has. Everything else, `/`, `?`, `#` and spaces included, is percent-encoded.
@function segment
@tparam any text an id or the name of an action
@treturn string the segment
@treturn[2] nil
@treturn[2] string what was expected
@usage core.segment "a/b"   --> "a%2Fb"
*/
static int segment(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (push_segment_problem(L, 1)) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  push_escaped(L, 1);
  return 1;
}

/***
Fills in the names of a route.
@function path
@tparam string route
@tparam string ... the segments, as `segment` takes them, that stand for the `{name}`s of the route, in this order
@treturn string
@raise a text cannot be a segment, or there are fewer than names
@usage core.path("/bookings/{id}/{action}", "a/b", "confirm")   --> "/bookings/a%2Fb/confirm"
*/
static int path(lua_State *L) {
  luaL_Buffer buffer;
  const char *route = luaL_checkstring(L, 1), *name;
  int index, top = lua_gettop(L);
  for (index = 2; index <= top; index++)
    if (push_segment_problem(L, index)) return luaL_argerror(L, index, lua_tostring(L, -1));
  luaL_buffinit(L, &buffer);
  for (index = 2; (name = strchr(route, '{')) != NULL && index <= top; index++) {
    size_t size;
    const char *text = lua_tolstring(L, index, &size), *end = strchr(name, '}');
    luaL_addlstring(&buffer, route, (size_t)(name - route));
    add_escaped(&buffer, text, size);
    route = end == NULL ? "" : end + 1;
  }
  if (name != NULL) return luaL_error(L, "path: a text is missing for %s", name);
  luaL_addstring(&buffer, route);
  luaL_pushresult(&buffer);
  return 1;
}

void tk_escape_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"escape", escape}, {"segment", segment}, {"path", path}, {NULL, NULL}};
  tk_setfuncs(L, functions);
}
