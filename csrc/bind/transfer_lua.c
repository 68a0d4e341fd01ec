/***
Transfers and their results as Lua objects.
@submodule timekit.core
*/
/*
 * One userdata is both the transfer and its result, and a field becomes a Lua value only when it is read. So an answer
 * that is only decoded never becomes a Lua string.
 */
#include "bind/transfer_lua.h"

#include "bind/result.h"
#include "json/json.h"

#include <string.h>

#define TRANSFER "timekit.transfer"

/* The second upvalue of __index: a table from names to methods, or to the numbers of fields. */
#define MEMBERS lua_upvalueindex(2)

static tk_transfer_handle *check_transfer(lua_State *L) {
  return (tk_transfer_handle *)tk_checkudata(L, TRANSFER);
}

/* NULL while the transfer is in flight. */
static const tk_result *result_of(lua_State *L, const tk_transfer_handle *handle) {
  if (handle->transfer == NULL || handle->is_released) luaL_error(L, "attempt to use a released transfer");
  return tk_transfer_result(handle->transfer);
}

static void free_transfer(tk_transfer_handle *handle) {
  tk_transfer_free(handle->transfer);
  handle->transfer = NULL;
}

/* Call it before making Lua values of the result, and end_read after that. Making a value may run the collector, and a
   finalizer may then release the transfer; it is freed in end_read. If Lua raises in between, end_read is not called,
   and only the collector frees the transfer. */
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
Whether the transfer has ended.
@function transfer:done
@treturn boolean
*/
static int transfer_done(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  lua_pushboolean(L, handle->transfer == NULL || tk_transfer_done(handle->transfer));
  return 1;
}

/***
The result. It is the transfer itself, which has the fields below once it has ended.
@function transfer:result
@treturn transfer|nil nil while the transfer is in flight. Fields: `reason` ("ok", "curl", "deadline", "cancelled",
"body_limit", "header_limit", "resend", "memory", "closed"), `code` (libcurl-errors(3)), `text` (one line), `status`,
`headers` (lower-case names), `body` (these three only if the server answered; at most 72 KiB of the body if the
transfer failed), `sent` ("no", "maybe", "yes"), `reused`, `restarts`, `http_version`, `times` (seconds:
`name_lookup`, `connect`, `tls`, `first_byte`, `total`), `failure` (nil if the transfer succeeded; see
`timekit.transport.reference`)
*/
static int transfer_result(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  lua_settop(L, 1);
  if (result_of(L, handle) == NULL) lua_pushnil(L);
  else tk_transfer_forget_end(handle->transfer);
  return 1;
}

/***
The values of some headers of the answer.
@function transfer:header
@tparam string ... names in lower case
@treturn string|nil ... the value for each name; several headers of one name are joined with ", "
*/
static int transfer_header(lua_State *L) {
  tk_transfer_handle *handle = check_transfer(L);
  const tk_result *result;
  int i, count = lua_gettop(L) - 1;
  tk_checkstack(L, count + LUA_MINSTACK);
  for (i = 0; i < count; i++) (void)luaL_checkstring(L, i + 2);
  result = read_result(L, handle);
  for (i = 0; i < count; i++) {
    tk_header_name name;
    name.text = lua_tolstring(L, i + 2, &name.size);
    if (result == NULL) lua_pushnil(L);
    else tk_push_headers(L, result, &name, 1);
  }
  end_read(handle);
  return count;
}

/***
Decodes the body, see `decode`. It makes no Lua string of it.
@function transfer:decode
@return what `decode` returns
*/
static int transfer_decode(lua_State *L) {
  tk_transfer_handle *handle = check_transfer(L);
  const tk_result *result = read_result(L, handle);
  int has_body = result != NULL && result->body != NULL, count;
  lua_settop(L, 1); /* the userdata stays on the stack, so the collector does not free the body */
  count = tk_json_decode(L, has_body ? result->body : "", has_body ? result->body_size : 0,
                         has_body ? result->body_capacity : 0);
  end_read(handle);
  return count;
}

/* Replaces the header's value on top of the stack by the number that it is; by nil if it is anything but digits. */
static void read_count(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
  if (digits == 0 || digits != tk_rawlen(L, -1)) lua_pushnil(L);
  else (void)tk_json_push_number(L, (double)lua_tonumber(L, -1));
  lua_replace(L, -2);
}

/***
What a complete answer tells, in one call.
@function answer
@param outcome what `transfer:result` returned
@tparam boolean wants_data decode `data`
@treturn integer|nil the status; nil, and nothing else, if the outcome is one of another transport, or a failure
@treturn string|nil the header `timekit-request-id`
@treturn number|nil the header `x-ratelimit-remaining`
@return the member `data` of the object that the body of an answer of 200 to 299 is, decoded as `decode` does; nil if
there is none
@treturn boolean it is sure that `data` holds no object whose first name begins with a digit
*/
static int answer(lua_State *L) {
  static const char id[] = "timekit-request-id", remaining[] = "x-ratelimit-remaining";
  static const tk_header_name names[] = {{id, sizeof id - 1}, {remaining, sizeof remaining - 1}};
  int is_ours, wants_data = lua_toboolean(L, 2), has_numbers = 1;
  tk_transfer_handle *handle;
  const tk_result *result;
  lua_settop(L, 1);
  is_ours = lua_isuserdata(L, 1) && lua_getmetatable(L, 1) && lua_rawequal(L, -1, TK_CLASS);
  lua_settop(L, 1);
  if (!is_ours) return 0;
  handle = (tk_transfer_handle *)lua_touserdata(L, 1);
  result = read_result(L, handle);
  if (result == NULL || result->reason != TK_OK) {
    end_read(handle);
    return 0;
  }
  lua_pushinteger(L, (lua_Integer)result->status);
  tk_push_headers(L, result, names, 2);
  read_count(L);
  if (!wants_data || result->status < 200 || result->status > 299 || result->body == NULL ||
      !tk_json_decode_member(L, result->body, result->body_size, result->body_capacity, "data", &has_numbers))
    lua_pushnil(L);
  lua_pushboolean(L, !has_numbers);
  end_read(handle);
  return 5;
}

/***
Ends the transfer at once. Its result says whether the request had been sent. Does nothing if it has ended already.
@function transfer:cancel
*/
static int transfer_cancel(lua_State *L) {
  const tk_transfer_handle *handle = check_transfer(L);
  if (handle->transfer != NULL) tk_transfer_cancel(handle->transfer);
  return 0;
}

/***
Frees the transfer's memory now. The collector would do this late, because it does not know how large the answer is. A
transfer in flight is cancelled. Values that were read before stay valid; the transfer itself cannot be used any more.
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

/* Pushes a field's value and keeps it in the user value, so that reading a field again returns the same table. */
static void push_kept(lua_State *L, tk_transfer_handle *handle, const tk_result *result, tk_field field) {
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
  tk_transfer_handle *handle;
  const tk_result *result;
  lua_Integer number;
  tk_field field;
  lua_settop(L, 2);
  lua_rawget(L, MEMBERS);
  if (lua_type(L, -1) != LUA_TNUMBER) return 1;
  handle = check_transfer(L);
  number = lua_tointeger(L, -1);
  field = (tk_field)number;
  result = read_result(L, handle);
  if (result == NULL) lua_pushnil(L);
  else if (TK_FIELD_IS_KEPT(field) && (field != TK_FIELD_FAILURE || result->reason != TK_OK))
    push_kept(L, handle, result, field);
  else tk_push_field(L, result, field);
  end_read(handle);
  return 1;
}

static const luaL_Reg methods[] = {
  {"done", transfer_done},     {"result", transfer_result}, {"header", transfer_header},   {"decode", transfer_decode},
  {"cancel", transfer_cancel}, {"release", transfer_release}, {NULL, NULL}};

/* A collected transfer is cancelled, because nobody can read its result. */
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
  lua_pushcclosure(L, answer, 1);
  lua_setfield(L, -2, "answer");
}

tk_transfer_handle *tk_transfer_push(lua_State *L) {
  tk_transfer_handle *handle = (tk_transfer_handle *)lua_newuserdata(L, sizeof *handle);
  handle->transfer = NULL;
  handle->has_kept = handle->readers = handle->is_released = 0;
  tk_setmetatable(L, TRANSFER);
  return handle;
}
