/* What came of a transfer, as a Lua table. libcurl has returned by then, so Lua may raise freely. */
#include "result.h"

#include <ctype.h>
#include <string.h>

static void set_string(lua_State *L, const char *name, const char *text, size_t size) {
  lua_pushlstring(L, text, size);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double number) {
  lua_pushnumber(L, (lua_Number)number);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, long number) {
  lua_pushinteger(L, (lua_Integer)number);
  lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, int truth) {
  lua_pushboolean(L, truth);
  lua_setfield(L, -2, name);
}

static void push_lower(lua_State *L, const char *text, size_t size) {
  luaL_Buffer buffer;
  size_t i;
  luaL_buffinit(L, &buffer);
  for (i = 0; i < size; i++) luaL_addchar(&buffer, (char)tolower((unsigned char)text[i]));
  luaL_pushresult(&buffer);
}

/* Pushes one "Name: value" line into the table on top, joining repeated names as RFC 9110 5.3 does. */
static void add_header(lua_State *L, const char *line, size_t size) {
  const char *colon = (const char *)memchr(line, ':', size);
  const char *value, *end = line + size;
  if (colon == NULL) return;
  for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++) continue;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
  push_lower(L, line, (size_t)(colon - line));
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushlstring(L, value, (size_t)(end - value));
  } else {
    lua_pushliteral(L, ", ");
    lua_pushlstring(L, value, (size_t)(end - value));
    lua_concat(L, 3);
  }
  lua_rawset(L, -3);
}

static void set_headers(lua_State *L, const tk_result *result) {
  const char *line = result->headers;
  const char *end = line == NULL ? NULL : line + result->headers_size;
  lua_newtable(L);
  while (line < end) {
    const char *next = (const char *)memchr(line, '\n', (size_t)(end - line));
    size_t size = (size_t)((next == NULL ? end : next) - line);
    add_header(L, line, size > 0 && line[size - 1] == '\r' ? size - 1 : size);
    line = next == NULL ? end : next + 1;
  }
  lua_setfield(L, -2, "headers");
}

static void set_times(lua_State *L, const tk_times *times) {
  lua_createtable(L, 0, 5);
  set_number(L, "name_lookup", times->name_lookup);
  set_number(L, "connect", times->connect);
  set_number(L, "tls", times->tls);
  set_number(L, "first_byte", times->first_byte);
  set_number(L, "total", times->total);
  lua_setfield(L, -2, "times");
}

static void set_version(lua_State *L, int version) {
  if (version == 0) return;
  if (version >= 20) lua_pushfstring(L, "%d", version / 10);
  else lua_pushfstring(L, "%d.%d", version / 10, version % 10);
  lua_setfield(L, -2, "http_version");
}

/* Of an answer that failed only the beginning is of use: enough for an error to show. */
#define FAILED_BODY ((size_t)(72 * 1024))

void tk_push_result(lua_State *L, const tk_result *result) {
  static const char *const reasons[] = {"ok",           "curl",   "deadline", "cancelled", "body_limit",
                                        "header_limit", "resend", "memory",   "closed"};
  static const char *const sent[] = {"no", "maybe", "yes"};
  lua_createtable(L, 0, 12);
  lua_pushstring(L, reasons[result->reason]);
  lua_setfield(L, -2, "reason");
  lua_pushstring(L, sent[result->sent]);
  lua_setfield(L, -2, "sent");
  set_integer(L, "code", result->code);
  lua_pushstring(L, result->text);
  lua_setfield(L, -2, "text");
  if (result->status != 0) {
    set_integer(L, "status", result->status);
    set_headers(L, result);
    set_string(L, "body", result->body == NULL ? "" : result->body,
               result->reason != TK_OK && result->body_size > FAILED_BODY ? FAILED_BODY : result->body_size);
  }
  set_boolean(L, "reused", result->reused);
  set_integer(L, "restarts", result->restarts);
  set_version(L, result->http_version);
  set_times(L, &result->times);
}
