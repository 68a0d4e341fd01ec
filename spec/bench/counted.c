/* A Lua module that counts what Lua allocates. `require` gives a function; it returns the number of blocks, and of
   bytes by which blocks grew, since the module was loaded. What is freed is not taken off. */
#include <lauxlib.h>
#include <lua.h>

static lua_Alloc lua_memory;
static double blocks, bytes;

static void *allocate(void *data, void *block, size_t old_size, size_t new_size) {
  if (block == NULL) old_size = 0; /* then it tells the kind of object */
  if (new_size > old_size) bytes += (double)(new_size - old_size);
  if (new_size > 0 && block == NULL) blocks++;
  return lua_memory(data, block, old_size, new_size);
}

static int counted(lua_State *L) {
  lua_pushnumber(L, blocks);
  lua_pushnumber(L, bytes);
  return 2;
}

int luaopen_counted(lua_State *L);
int luaopen_counted(lua_State *L) {
  void *data;
  lua_memory = lua_getallocf(L, &data);
  lua_setallocf(L, allocate, data);
  lua_pushcfunction(L, counted);
  return 1;
}
