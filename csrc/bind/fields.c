/* Reads option tables field by field. A wrong field raises an error that names it. */
#include "bind/fields.h"

#include <string.h>

static int field_error(lua_State *L, const char *name, const char *expected) {
  return luaL_error(L, "%s: expected %s, got %s", name, expected, luaL_typename(L, -1));
}

/* Without `size` a NUL is refused: the C string would end there, and the rest would be lost silently. */
const char *tk_string_field(lua_State *L, int index, const char *name, size_t *size) {
  const char *text;
  size_t length = 0;
  lua_getfield(L, index, name);
  if (lua_type(L, -1) != LUA_TSTRING && !lua_isnil(L, -1)) field_error(L, name, "a string");
  text = lua_tolstring(L, -1, &length);
  if (text != NULL && size == NULL && strlen(text) != length) luaL_error(L, "%s: expected no NUL character", name);
  if (size != NULL) *size = length;
  return text;
}

const char *tk_required_string(lua_State *L, int index, const char *name) {
  const char *text = tk_string_field(L, index, name, NULL);
  if (text == NULL) luaL_error(L, "%s: expected a string, got nil", name);
  return text;
}

double tk_positive_field(lua_State *L, int index, const char *name, double missing) {
  double number = missing;
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER) field_error(L, name, "a positive number");
    number = (double)lua_tonumber(L, -1);
  }
  if (!(number > 0)) luaL_error(L, "%s: expected a positive number", name);
  lua_pop(L, 1);
  return number;
}

size_t tk_size_field(lua_State *L, int index, const char *name, double missing) {
  double number = tk_positive_field(L, index, name, missing);
  if (number > 4294967295.0) luaL_error(L, "%s: expected at most 4294967295 bytes", name);
  return (size_t)number;
}

const char *const *tk_header_lines(lua_State *L, int index, size_t *count) {
  const char **lines;
  size_t n = 0;
  lua_getfield(L, index, "headers");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1)) field_error(L, "headers", "a table");
  *count = 0;
  if (lua_isnil(L, -1)) {
    lua_pushnil(L);
    return NULL;
  }
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) n++;
  if (n == 0) {
    lua_pushnil(L);
    return NULL;
  }
  lua_createtable(L, (int)n, 0);
  lua_insert(L, -2);
  lines = (const char **)lua_newuserdata(L, n * sizeof *lines);
  lua_insert(L, -2);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    size_t name_size, value_size;
    const char *name, *value;
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "headers: expected strings as names and values");
    name = lua_tolstring(L, -2, &name_size);
    value = lua_tolstring(L, -1, &value_size);
    if (strlen(name) != name_size || strlen(value) != value_size)
      luaL_error(L, "headers: expected no NUL character");
    if (strchr(name, ':') != NULL) luaL_error(L, "headers: expected names without a colon");
    /* The memory allocated here lets finalizers run, which may have added to the table. */
    if (*count == n) luaL_error(L, "headers: the table has grown while it was read");
    lines[*count] = lua_pushfstring(L, "%s: %s", name, value);
    lua_rawseti(L, -6, (int)++*count);
  }
  lua_pop(L, 1);
  return lines;
}

static int is_text(lua_State *L, int index, const char *text) {
  size_t size;
  const char *found = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
  return found != NULL && size == strlen(text) && memcmp(found, text, size) == 0;
}

int tk_is_json(lua_State *L, int index) {
  int top = lua_gettop(L), is_alone = 0;
  lua_getfield(L, index, "headers");
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    if (lua_next(L, -2) != 0 && is_text(L, -2, "Content-Type") && is_text(L, -1, "application/json")) {
      lua_pop(L, 1);
      is_alone = lua_next(L, -2) == 0;
    }
  }
  lua_settop(L, top);
  return is_alone;
}

