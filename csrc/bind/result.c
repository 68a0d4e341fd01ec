/* Makes Lua values of a transfer's result. Each field is made when it is asked for, because most hosts read only two
   or three. */
#include "bind/result.h"

#include "engine/ascii.h"

#include <curl/curl.h>
#include <string.h>

const char *tk_field_name(tk_field field) {
  static const char *const names[] = {"reason",   "code",         "text",    "status", "sent",  "reused",
                                      "restarts", "http_version", "headers", "body",   "times", "failure"};
  return names[field];
}

/* ---- headers ---- */

/* One header line; the pointers point into the result. */
typedef struct header {
  const char *name, *value;
  size_t name_size, value_size;
} header;

/* Reads the next "Name: value" line at *line and moves *line past it. Other lines are skipped. 0: there are no
   more. */
static int next_header(const char **line, const char *end, header *found) {
  while (*line < end) {
    const char *start = *line, *colon, *stop;
    const char *next = (const char *)memchr(start, '\n', (size_t)(end - start));
    stop = next == NULL ? end : next;
    *line = next == NULL ? end : next + 1;
    if (stop > start && stop[-1] == '\r') stop--;
    colon = (const char *)memchr(start, ':', (size_t)(stop - start));
    if (colon == NULL) continue;
    found->name = start;
    found->name_size = (size_t)(colon - start);
    for (colon++; colon < stop && (*colon == ' ' || *colon == '\t'); colon++) continue;
    while (stop > colon && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    found->value = colon;
    found->value_size = (size_t)(stop - colon);
    return 1;
  }
  return 0;
}

/* Replaces the value on top of the stack: nil by this header's value, a string by both, joined as in RFC 9110, 5.3. */
static void join_value(lua_State *L, const header *found) {
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushlstring(L, found->value, found->value_size);
  } else {
    lua_pushliteral(L, ", ");
    lua_pushlstring(L, found->value, found->value_size);
    lua_concat(L, 3);
  }
}

static int is_named(const header *found, const tk_header_name *name) {
  size_t i;
  if (found->name_size != name->size) return 0;
  for (i = 0; i < name->size; i++)
    if (tk_lower(found->name[i]) != name->text[i]) return 0;
  return 1;
}

void tk_push_headers(lua_State *L, const tk_result *result, const tk_header_name *names, int count) {
  const char *line = result->headers;
  const char *end = line == NULL ? NULL : line + result->headers_size;
  int base = lua_gettop(L) + 1, i;
  header found;
  for (i = 0; i < count; i++) lua_pushnil(L);
  if (result->status == 0) return;
  while (next_header(&line, end, &found)) {
    for (i = 0; i < count; i++) {
      if (!is_named(&found, &names[i])) continue;
      lua_pushvalue(L, base + i);
      join_value(L, &found);
      lua_replace(L, base + i);
    }
  }
}

static void push_lower(lua_State *L, const char *text, size_t size) {
  luaL_Buffer buffer;
  size_t i;
  luaL_buffinit(L, &buffer);
  for (i = 0; i < size; i++) luaL_addchar(&buffer, tk_lower(text[i]));
  luaL_pushresult(&buffer);
}

static void push_headers(lua_State *L, const tk_result *result) {
  const char *line = result->headers;
  const char *end = line == NULL ? NULL : line + result->headers_size;
  header found;
  lua_newtable(L);
  while (next_header(&line, end, &found)) {
    push_lower(L, found.name, found.name_size);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    join_value(L, &found);
    lua_rawset(L, -3);
  }
}

/* ---- failures ---- */

/* Added to certificate errors, so that nobody looks for a way to turn verification off. */
#define CA_HINT " (the option ca_file names a file of certificates to trust instead of the system's)"

/* The error kind of a libcurl code. Most codes are about the connection. */
static const char *kind_of_code(int code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is not HTTP/1 or later */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return "response";
    case CURLE_OPERATION_TIMEDOUT: return "timeout"; /* connecting took too long */
    default: return "network";
  }
}

/* The error kind of a result, as `timekit.transport.reference` defines the kinds. */
static const char *kind_of(const tk_result *result) {
  const char *kind = "network";
  switch (result->reason) {
    case TK_DEADLINE: return "timeout";
    case TK_CANCELLED:
    case TK_CLOSED: return "cancelled";
    case TK_BODY_LIMIT:
    case TK_HEADER_LIMIT: return "response";
    case TK_CURL: kind = kind_of_code(result->code); break;
    case TK_OK:
    case TK_RESEND:
    case TK_MEMORY: break;
  }
  /* The connection was lost after the status line, so the answer is incomplete. */
  return result->status != 0 && strcmp(kind, "network") == 0 ? "response" : kind;
}

static void push_failure(lua_State *L, const tk_result *result) {
  int is_about_ca = result->code == CURLE_PEER_FAILED_VERIFICATION || result->code == CURLE_SSL_CACERT_BADFILE;
  lua_createtable(L, 0, 3);
  lua_pushstring(L, kind_of(result));
  lua_setfield(L, -2, "kind");
  lua_pushfstring(L, "%s%s", result->text, is_about_ca ? CA_HINT : "");
  lua_setfield(L, -2, "message");
  lua_pushinteger(L, result->code);
  lua_setfield(L, -2, "code");
}

/* ---- other fields ---- */

static void set_number(lua_State *L, const char *name, double number) {
  lua_pushnumber(L, (lua_Number)number);
  lua_setfield(L, -2, name);
}

static void push_times(lua_State *L, const tk_times *times) {
  lua_createtable(L, 0, 5);
  set_number(L, "name_lookup", times->name_lookup);
  set_number(L, "connect", times->connect);
  set_number(L, "tls", times->tls);
  set_number(L, "first_byte", times->first_byte);
  set_number(L, "total", times->total);
}

static void push_version(lua_State *L, int version) {
  if (version == 0) lua_pushnil(L);
  else if (version >= 20) lua_pushfstring(L, "%d", version / 10);
  else lua_pushfstring(L, "%d.%d", version / 10, version % 10);
}

/* Bytes of the body of a failed transfer that Lua gets. An error shows no more. */
#define FAILED_BODY ((size_t)(72 * 1024))

static void push_body(lua_State *L, const tk_result *result) {
  size_t size = result->body_size;
  if (result->reason != TK_OK && size > FAILED_BODY) size = FAILED_BODY;
  lua_pushlstring(L, result->body == NULL ? "" : result->body, size);
}

void tk_push_field(lua_State *L, const tk_result *result, tk_field field) {
  static const char *const reasons[] = {"ok",           "curl",   "deadline", "cancelled", "body_limit",
                                        "header_limit", "resend", "memory",   "closed"};
  static const char *const sent[] = {"no", "maybe", "yes"};
  int is_answered = result->status != 0;
  switch (field) {
    case TK_FIELD_REASON: lua_pushstring(L, reasons[result->reason]); return;
    case TK_FIELD_CODE: lua_pushinteger(L, result->code); return;
    case TK_FIELD_TEXT: lua_pushstring(L, result->text); return;
    case TK_FIELD_SENT: lua_pushstring(L, sent[result->sent]); return;
    case TK_FIELD_REUSED: lua_pushboolean(L, result->reused); return;
    case TK_FIELD_RESTARTS: lua_pushinteger(L, result->restarts); return;
    case TK_FIELD_HTTP_VERSION: push_version(L, result->http_version); return;
    case TK_FIELD_TIMES: push_times(L, &result->times); return;
    case TK_FIELD_STATUS:
      if (!is_answered) break;
      lua_pushinteger(L, (lua_Integer)result->status);
      return;
    case TK_FIELD_HEADERS:
      if (!is_answered) break;
      push_headers(L, result);
      return;
    case TK_FIELD_BODY:
      if (!is_answered) break;
      push_body(L, result);
      return;
    case TK_FIELD_FAILURE:
      if (result->reason == TK_OK) break;
      push_failure(L, result);
      return;
    case TK_FIELDS: break;
  }
  lua_pushnil(L);
}
