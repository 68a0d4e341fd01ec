/***
Transfers, and what came of them, for Lua.
@submodule timekit.core
*/
/*
 * A transfer is its own result: one userdata, no tables, and each field becomes a Lua value when somebody asks for it.
 * So an answer that is decoded and no more never is a Lua string.
 */
#include "bind/transfer_lua.h"

#include "json/json.h"
#include "bind/result.h"

#define TRANSFER "timekit.transfer"

/* Second upvalue of __index: name → method, or the number of a field. */
#define MEMBERS lua_upvalueindex(2)

static tk_transfer_handle *check_transfer(lua_State *L) {
  return (tk_transfer_handle *)tk_checkudata(L, TRANSFER);
}

/* NULL while it is in flight. */
static const tk_result *result_of(lua_State *L, const tk_transfer_handle *handle) {
  if (handle->transfer == NULL || handle->is_released) luaL_error(L, "attempt to use a released transfer");
  return tk_transfer_result(handle->transfer);
}

static void free_transfer(tk_transfer_handle *handle) {
  tk_transfer_free(handle->transfer);
  handle->transfer = NULL;
}

/* Around all that makes Lua values of the result's memory: each may let the collector run, and with it a finalizer that
   releases the transfer. A reader that raises leaves the transfer to the collector. */
static const tk_result *read_result(lua_State *L, tk_transfer_handle *handle) {
  const tk_result *result = result_of(L, handle);
  handle->readers++;
  return result;
}

static void end_read(tk_transfer_handle *handle) {
  handle->readers--;
  if (handle->readers == 0 && handle->is_released) free_transfer(handle);
}

/***
Whether the transfer is over.
@function transfer:done
@treturn boolean
*/
static int transfer_done(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  lua_pushboolean(L, handle->transfer == NULL || tk_transfer_done(handle->transfer));
  return 1;
}

/***
What came of the transfer: the transfer itself, which has these fields from then on; nil while it is in flight.
@function transfer:result
@treturn transfer|nil `reason` ("ok", "curl", "deadline", "cancelled", "body_limit", "header_limit", "resend",
"memory", "closed"), `code` (libcurl-errors(3)), `text` (one line), `status`, `headers` (lower-case names),
`body` (these three only if the server answered; of the body of an answer that failed 72 KiB), `sent` ("no", "maybe", "yes"), `reused`, `restarts`,
`http_version`, `times` (seconds: `name_lookup`, `connect`, `tls`, `first_byte`, `total`), `failure` (nil if all went
well: see `timekit.transport.reference`)
*/
static int transfer_result(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  lua_settop(L, 1);
  if (result_of(L, handle) == NULL) lua_pushnil(L);
  else tk_transfer_forget_end(handle->transfer);
  return 1;
}

/***
Headers of the answer.
@function transfer:header
@tparam string ... names in lower case
@treturn string|nil ... for each its value; several of one name are joined with ", "
*/
static int transfer_header(lua_State *L) {
  tk_transfer_handle *handle = check_transfer(L);
  const tk_result *result;
  int i, count = lua_gettop(L) - 1;
  luaL_checkstack(L, count + LUA_MINSTACK, "header");
  for (i = 0; i < count; i++) (void)luaL_checkstring(L, i + 2);
  result = read_result(L, handle);
  for (i = 0; i < count; i++) {
    size_t size;
    const char *name = lua_tolstring(L, i + 2, &size);
    if (result == NULL) lua_pushnil(L);
    else tk_push_header(L, result, name, size);
  }
  end_read(handle);
  return count;
}

/***
What `decode` makes of the body of an answer that came as a whole.
@function transfer:decode
@return as of `decode`
*/
static int transfer_decode(lua_State *L) {
  tk_transfer_handle *handle = check_transfer(L);
  const tk_result *result = read_result(L, handle);
  int has_body = result != NULL && result->body != NULL, count;
  lua_settop(L, 1); /* the userdata stays where it is */
  count = tk_json_decode(L, has_body ? result->body : "", has_body ? result->body_size : 0,
                         has_body ? result->body_capacity : 0);
  end_read(handle);
  return count;
}

/***
Ends the transfer at once. Its result says whether the request had been sent. No effect once it is over.
@function transfer:cancel
*/
static int transfer_cancel(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  if (handle->transfer != NULL) tk_transfer_cancel(handle->transfer);
  return 0;
}

/***
Gives back what the transfer holds, sooner than the collector would: answers are larger than the collector knows. A
transfer in flight is cancelled, since nobody can ask about it any more. What it has handed out stays.
@function transfer:release
*/
static int transfer_release(lua_State *L) {
  tk_transfer_handle *handle = check_transfer(L);
  if (handle->readers == 0) free_transfer(handle);
  else handle->is_released = 1;
  return 0;
}

static int transfer_gc(lua_State *L) {
  free_transfer(check_transfer(L));
  return 0;
}

static int transfer_tostring(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  int over = handle->transfer == NULL || tk_transfer_done(handle->transfer);
  lua_pushfstring(L, "%s (%s)", TRANSFER, over ? "done" : "in flight");
  return 1;
}

/* The field on top of the stack, from the ones that were made before or made now: a table stays the same one. */
static void push_made(lua_State *L, tk_transfer_handle *handle, const tk_result *result, tk_field field) {
  if (!handle->has_kept) {
    lua_createtable(L, 1, 0);
    tk_setuservalue(L, 1);
    handle->has_kept = 1;
  }
  tk_getuservalue(L, 1);
  lua_rawgeti(L, -1, (int)field);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  tk_push_field(L, result, field);
  lua_pushvalue(L, -1);
  lua_rawseti(L, -3, (int)field);
}

static int transfer_index(lua_State *L) {
  tk_transfer_handle *handle = check_transfer(L);
  const tk_result *result;
  lua_Integer number;
  tk_field field;
  lua_settop(L, 2);
  lua_rawget(L, MEMBERS);
  if (lua_type(L, -1) != LUA_TNUMBER) return 1;
  number = lua_tointeger(L, -1);
  field = (tk_field)number;
  result = read_result(L, handle);
  if (result == NULL) lua_pushnil(L);
  else if (TK_FIELD_IS_MADE(field) && (field != TK_FIELD_FAILURE || result->reason != TK_OK))
    push_made(L, handle, result, field);
  else tk_push_field(L, result, field);
  end_read(handle);
  return 1;
}

static const luaL_Reg methods[] = {
  {"done", transfer_done},     {"result", transfer_result}, {"header", transfer_header},   {"decode", transfer_decode},
  {"cancel", transfer_cancel}, {"release", transfer_release}, {NULL, NULL}};

/* A transfer nobody can ask about any more has no reason to go on. */
static const luaL_Reg metamethods[] = {
  {"__gc", transfer_gc}, {"__close", transfer_release}, {"__tostring", transfer_tostring}, {NULL, NULL}};

void tk_transfer_open(lua_State *L) {
  int field, class_index;
  luaL_newmetatable(L, TRANSFER);
  class_index = lua_gettop(L);
  tk_setmethods(L, metamethods, class_index);
  lua_pushvalue(L, class_index);
  lua_newtable(L);
  tk_setmethods(L, methods, class_index);
  for (field = 0; field < TK_FIELDS; field++) {
    lua_pushinteger(L, field);
    lua_setfield(L, -2, tk_field_name((tk_field)field));
  }
  lua_pushcclosure(L, transfer_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

tk_transfer_handle *tk_transfer_push(lua_State *L) {
  tk_transfer_handle *handle = (tk_transfer_handle *)lua_newuserdata(L, sizeof *handle);
  handle->transfer = NULL;
  handle->has_kept = handle->readers = handle->is_released = 0;
  tk_setmetatable(L, TRANSFER);
  return handle;
}
