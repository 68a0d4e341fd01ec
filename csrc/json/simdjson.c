/*
 * Decoding where simdjson is there. It reads the text, and what it refuses lua-cjson reads: so messages are the same
 * with and without simdjson, and what lua-cjson lets pass on purpose, broken UTF-8 say, passes.
 */
#include "json/json.h"
#include "json/tape.h"

#define PARSER_NAME "timekit.json_parser"

/* A parser that had a longer text is not kept: it holds fifteen times as much memory, and most answers are short. */
#define LONGEST_KEPT ((size_t)256 * 1024)

/* Upvalues of decode. */
#define ARRAY lua_upvalueindex(1)
#define CJSON_DECODE lua_upvalueindex(2)
#define PARSER lua_upvalueindex(3)

/* The registry holds decode under the address of this. */
static const char decoder_key = 0;

typedef struct piece {
  const char *text;
  size_t size, capacity;
} piece;

static int free_parser(lua_State *L) {
  tk_parser **parser = (tk_parser **)lua_touserdata(L, 1);
  tk_parser_free(*parser);
  *parser = NULL;
  return 0;
}

/* Pushes the parser, which the closure does not have meanwhile: a finalizer that decodes while the tape becomes tables
   gets one of its own. If Lua raises before the parser is given back it is garbage, as the tables are. The parser is
   NULL for want of memory. */
static tk_parser **take_parser(lua_State *L) {
  tk_parser **parser;
  lua_pushvalue(L, PARSER);
  parser = (tk_parser **)lua_touserdata(L, -1);
  lua_pushnil(L);
  lua_replace(L, PARSER);
  if (parser == NULL) {
    parser = (tk_parser **)lua_newuserdata(L, sizeof *parser);
    *parser = NULL;
    tk_setmetatable(L, PARSER_NAME);
    lua_replace(L, -2);
  }
  if (*parser == NULL) *parser = tk_parser_new();
  return parser;
}

static void give_back(lua_State *L, int index, tk_parser **parser) {
  if (*parser != NULL && tk_parser_capacity(*parser) > LONGEST_KEPT) {
    tk_parser_free(*parser);
    *parser = NULL;
  }
  lua_pushvalue(L, index);
  lua_replace(L, PARSER);
}

/* simdjson from 3.6 on passes over a byte order mark. */
static int has_mark(const piece *p) { return p->size > 0 && p->text[0] == '\xEF'; }

/* The argument is a light userdata, a piece: Lua code never gets hold of this function, but by the debug library. */
static int decode(lua_State *L) {
  const piece *p = (const piece *)lua_touserdata(L, 1);
  tk_parser **parser;
  tk_tape tape;
  int parsed;
  parser = take_parser(L);
  parsed = *parser != NULL && !has_mark(p) && tk_parser_parse(*parser, p->text, p->size, p->capacity, &tape);
  if (parsed) tk_json_push_tape(L, ARRAY, &tape);
  give_back(L, 2, parser);
  if (parsed) return 1;
  lua_settop(L, 0);
  lua_pushvalue(L, CJSON_DECODE);
  lua_pushlstring(L, p->text, p->size);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* With the function to call below the top of the stack. */
static int call_decode(lua_State *L, const char *text, size_t size, size_t capacity) {
  int below = lua_gettop(L) - 1;
  piece p;
  p.text = text;
  p.size = size;
  p.capacity = capacity;
  lua_pushlightuserdata(L, &p);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L) - below;
}

int tk_json_decode(lua_State *L, const char *text, size_t size, size_t capacity) {
  lua_pushlightuserdata(L, (void *)(size_t)&decoder_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  return call_decode(L, text, size, capacity);
}

/* core.decode; its upvalue is decode */
static int decode_string(lua_State *L) {
  const char *text;
  size_t size;
  luaL_checktype(L, 1, LUA_TSTRING);
  text = lua_tolstring(L, 1, &size);
  lua_pushvalue(L, lua_upvalueindex(1));
  return call_decode(L, text, size, size);
}

void tk_json_push_decode(lua_State *L) {
  luaL_newmetatable(L, PARSER_NAME);
  lua_pushcfunction(L, free_parser);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);

  lua_pushvalue(L, -1);
  tk_json_push_cjson(L);
  lua_pushnil(L);
  lua_pushcclosure(L, decode, 3);

  lua_pushlightuserdata(L, (void *)(size_t)&decoder_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);

  lua_pushcclosure(L, decode_string, 1);
}

const char *tk_json_decoder(void) { return "simdjson"; }
