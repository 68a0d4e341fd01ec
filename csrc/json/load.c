/* Loads simdjson.so, which has parser.cc in it, when it is first needed. */
#define _GNU_SOURCE /* dladdr */

#include "json/parser.h"

#ifdef _WIN32
#define TK_PARSER_LINKED
#endif

#ifdef TK_PARSER_LINKED

const tk_parser_library *tk_parser_load(void) { return &TK_PARSER_SYMBOL; }

int tk_parser_can_wait(void) { return 1; }

#else

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "simdjson.so"
#define TEXT(name) #name
#define TEXT_OF(macro) TEXT(macro)

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static const tk_parser_library *library; /* written inside pthread_once only */

/* The path of the library that this function is in; NULL: not known. The loader owns it. */
static const char *own_path(void) {
  Dl_info info;
  return dladdr((void *)&load_once, &info) != 0 ? info.dli_fname : NULL;
}

/* It is never closed: parsers may be freed as late as the Lua state is. */
static void load(void) {
  const char *own = own_path(), *name = own != NULL ? strrchr(own, '/') : NULL;
  size_t folder = name != NULL ? (size_t)(name - own) + 1 : 0;
  char *path = folder > 0 ? (char *)malloc(folder + sizeof FILE_NAME) : NULL;
  void *handle;
  if (path == NULL) return;
  memcpy(path, own, folder);
  memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
  handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle != NULL) library = (const tk_parser_library *)dlsym(handle, TEXT_OF(TK_PARSER_SYMBOL));
  free(path);
}

const tk_parser_library *tk_parser_load(void) { return pthread_once(&load_once, load) == 0 ? library : NULL; }

int tk_parser_can_wait(void) {
  const char *own = own_path();
  return own != NULL && own[0] == '/';
}

#endif
