/*
 * The decoder of builds with simdjson. A text that simdjson refuses is decoded again by decode.c. So the messages are
 * the same with and without simdjson, and what decode.c accepts on purpose, such as invalid UTF-8 and lone
 * surrogates, is accepted here too.
 *
 * decode.c decodes the first texts as well, until loading simdjson pays: see ENOUGH.
 */
#include "json/json.h"
#include "json/tape.h"
#include "json/utf8.h"

#define PARSER_NAME "timekit.json_parser"

/* In bytes. A parser that grew for a longer text is freed: it holds fifteen times as much, and most answers are
   short. */
#define LONGEST_KEPT ((size_t)256 * 1024)

/* In bytes. Where more than that is decoded, simdjson is loaded. Measured: that takes as long as simdjson saves in 260
   KB of answers, 15 us of 22 in 3 KB. */
#define ENOUGH ((size_t)256 * 1024)

/* Upvalues of decode. PARSER is a userdata, or nil while a decode is using it. */
#define ARRAY lua_upvalueindex(1)
#define CJSON_DECODE lua_upvalueindex(2)
#define PARSER lua_upvalueindex(3)
#define KEPT lua_upvalueindex(4)
#define KEPT_TABLE lua_upvalueindex(5)
#define PROGRESS lua_upvalueindex(6)

/* The address of this is the registry key of decode. The casts to void * below go through size_t because -Wcast-qual
   refuses to drop the const. */
static const char decoder_key = 0;

/* Of a Lua state, also if the module is loaded again into it. The address of progress_key is its registry key. */
typedef struct progress {
  const tk_parser_library *library; /* NULL: not loaded */
  size_t decoded; /* in bytes; counted until the library is loaded */
} progress;

static const char progress_key = 0;

/* A text to decode, see tk_json_decode. */
typedef struct piece {
  const char *text;
  size_t size, capacity;
  const char *member; /* only this member is wanted, see tk_json_decode_member; NULL: everything */
  int has_numbers;    /* see there, too */
} piece;

static int free_parser(lua_State *L) {
  tk_parser **parser = (tk_parser **)lua_touserdata(L, 1);
  if (*parser != NULL) tk_parser_load()->release(*parser);
  *parser = NULL;
  return 0;
}

/* Takes the parser out of the closure and pushes it. A finalizer may decode while the tape becomes tables; it then
   makes a parser of its own. If Lua raises before give_back, the parser is garbage and the collector frees it. *parser
   is NULL if memory ran out. */
static tk_parser **take_parser(lua_State *L, const tk_parser_library *library) {
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
  if (*parser == NULL) *parser = library->make();
  return parser;
}

/* Puts the parser at stack index `index` back into the closure, for the next text. */
static void give_back(lua_State *L, const tk_parser_library *library, int index, tk_parser **parser) {
  if (*parser != NULL && library->capacity(*parser) > LONGEST_KEPT) {
    library->release(*parser);
    *parser = NULL;
  }
  lua_pushvalue(L, index);
  lua_replace(L, PARSER);
}

/* Parses a text after its byte order mark. simdjson from 3.6 on would skip a second mark too, so a text that may have
   one is left to decode.c. */
static int parse(const tk_parser_library *library, tk_parser *parser, const piece *p, tk_tape *tape) {
  size_t mark = tk_utf8_mark(p->text, p->size), size = p->size - mark;
  const char *text = p->text + mark;
  return (size == 0 || text[0] != '\xEF') && library->parse(parser, text, size, p->capacity - mark, tape);
}

/* Pushes what simdjson makes of a text, and sets *pushed to 1, or to 0 if there is no such member. 0: it refuses the
   text, or memory ran out. */
static int decode_quickly(lua_State *L, const tk_parser_library *library, piece *p, int *pushed) {
  tk_parser **parser = take_parser(L, library);
  tk_tape tape;
  int parsed = *parser != NULL && parse(library, *parser, p, &tape);
  if (parsed) {
    lua_pushvalue(L, KEPT);
    lua_pushvalue(L, KEPT_TABLE); /* on the stack Lua finds it faster than among the upvalues */
    *pushed = tk_json_push_tape(L, ARRAY, lua_gettop(L) - 1, &tape, p->member, &p->has_numbers);
  }
  give_back(L, library, 2, parser);
  return parsed;
}

/* The library, if it is loaded or it pays to load it. */
static const tk_parser_library *library_for(progress *seen, size_t size) {
  if (seen->library == NULL) {
    if (seen->decoded <= ENOUGH) seen->decoded += size < ENOUGH ? size : ENOUGH + 1;
    if (seen->decoded > ENOUGH) seen->library = tk_parser_load();
  }
  return seen->library;
}

/* The argument is a light userdata that points to a piece. It is not checked, because Lua code cannot get this
   function without the debug library. */
static int decode(lua_State *L) {
  piece *p = (piece *)lua_touserdata(L, 1);
  const tk_parser_library *library = library_for((progress *)lua_touserdata(L, PROGRESS), p->size);
  int pushed = 0;
  if (library != NULL && decode_quickly(L, library, p, &pushed)) return pushed;
  lua_settop(L, 0);
  lua_pushvalue(L, CJSON_DECODE);
  lua_pushlstring(L, p->text, p->size);
  lua_call(L, 1, LUA_MULTRET);
  if (p->member == NULL) return lua_gettop(L);
  lua_settop(L, 1);
  return tk_json_keep_member(L, p->member);
}

/* Calls `decode`, which is on top of the stack, and returns the number of its results. */
static int call_decode(lua_State *L, const char *text, size_t size, size_t capacity, const char *member,
                       int *has_numbers) {
  int below = lua_gettop(L) - 1;
  piece p;
  p.text = text;
  p.size = size;
  p.capacity = capacity;
  p.member = member;
  p.has_numbers = 1;
  lua_pushlightuserdata(L, &p);
  lua_call(L, 1, LUA_MULTRET);
  *has_numbers = p.has_numbers;
  return lua_gettop(L) - below;
}

int tk_json_decode_member(lua_State *L, const char *text, size_t size, size_t capacity, const char *name,
                          int *has_numbers) {
  lua_pushlightuserdata(L, (void *)(size_t)&decoder_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  return call_decode(L, text, size, capacity, name, has_numbers);
}

int tk_json_decode(lua_State *L, const char *text, size_t size, size_t capacity) {
  int ignored;
  return tk_json_decode_member(L, text, size, capacity, NULL, &ignored);
}

/* core.decode. Its upvalue is `decode`. */
static int decode_string(lua_State *L) {
  const char *text;
  size_t size;
  int ignored;
  luaL_checktype(L, 1, LUA_TSTRING);
  text = lua_tolstring(L, 1, &size);
  lua_pushvalue(L, lua_upvalueindex(1));
  return call_decode(L, text, size, size, NULL, &ignored);
}

/* core.load_decoder. Its upvalue is the progress. */
static int load_decoder(lua_State *L) {
  progress *seen = (progress *)lua_touserdata(L, lua_upvalueindex(1));
  if (seen->library == NULL) seen->library = tk_parser_load();
  lua_pushstring(L, seen->library != NULL ? tk_json_decoder() : "cjson");
  return 1;
}

static void push_progress(lua_State *L) {
  progress *seen;
  lua_pushlightuserdata(L, (void *)(size_t)&progress_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  seen = (progress *)lua_newuserdata(L, sizeof *seen);
  seen->library = tk_parser_can_wait() ? NULL : tk_parser_load();
  seen->decoded = 0;
  lua_pushlightuserdata(L, (void *)(size_t)&progress_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

void tk_json_push_load(lua_State *L) {
  push_progress(L);
  lua_pushcclosure(L, load_decoder, 1);
}

void tk_json_push_decode(lua_State *L) {
  luaL_newmetatable(L, PARSER_NAME);
  lua_pushcfunction(L, free_parser);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);

  lua_pushvalue(L, -1);
  tk_json_push_cjson(L);
  lua_pushnil(L);
  tk_json_push_kept(L);
  push_progress(L);
  lua_pushcclosure(L, decode, 6);

  lua_pushlightuserdata(L, (void *)(size_t)&decoder_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);

  lua_pushcclosure(L, decode_string, 1);
}

const char *tk_json_decoder(void) { return "simdjson"; }
