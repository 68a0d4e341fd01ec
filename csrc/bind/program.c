/***
What the program `timekit` needs of its process and Lua lacks: signals, a terminal's width, who may read a file. The
functions stand in the table `core.program`. The module itself uses none of them, and touches no signal.
@submodule timekit.core
*/
#define _POSIX_C_SOURCE 200809L
/* TIOCGWINSZ is beyond POSIX. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "bind/program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#endif

/* How many signals were caught. Signals belong to the process, so this does, too. */
static volatile sig_atomic_t caught = 0;

/* The second one ends the process, as if none were caught: a user who presses Ctrl-C again wants that. */
static void on_signal(int number) {
  caught++;
  if (caught > 1) {
    signal(number, SIG_DFL);
    raise(number);
  }
}

static void handle(int number, void (*handler)(int)) {
#ifdef _WIN32
  signal(number, handler);
#else
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  /* No SA_RESTART: a wait ends, and Lua can look at the count. */
  sigaction(number, &action, NULL);
#endif
}

/***
Catches SIGINT (Ctrl-C) and SIGTERM from now on: they no longer end the process, but are counted. The second one does
end it. Waits of the engine end early when a signal comes.
@function program.catch_signals
*/
static int catch_signals(lua_State *L) {
  (void)L;
  caught = 0;
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
  return 0;
}

/***
Has SIGINT and SIGTERM end the process again. The `lua` program has a handler of its own for SIGINT, which raises an
error in whichever function is running; this removes that as well.
@function program.release_signals
*/
static int release_signals(lua_State *L) {
  (void)L;
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
  return 0;
}

/***
Has writing to a pipe that nobody reads any more fail, instead of ending the process.
@function program.ignore_broken_pipes
*/
static int ignore_broken_pipes(lua_State *L) {
  (void)L;
#ifdef SIGPIPE
  handle(SIGPIPE, SIG_IGN);
#endif
  return 0;
}

/***
How many signals came since `catch_signals`.
@function program.signals
@treturn integer
*/
static int signals(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)caught);
  return 1;
}

/***
Sees to it that the three standard streams are open. Where one is closed, the next file or socket would take its place,
and results would be written into that. What is opened instead refuses to be read or written.
@function program.hold_streams
*/
static int hold_streams(lua_State *L) {
#ifndef _WIN32
  int fd;
  for (fd = 0; fd <= 2; fd++) {
    /* The lowest free number is this one, since those below are open. */
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
  }
#endif
  (void)L;
  return 0;
}

/***
How wide a terminal is.
@function program.columns
@tparam integer fd 1: that of the standard output, 2: that of the standard error
@treturn integer|nil nil: it is no terminal, or does not know
*/
static int columns(lua_State *L) {
  int fd = (int)luaL_checkinteger(L, 1);
#ifdef TIOCGWINSZ
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    lua_pushinteger(L, size.ws_col);
    return 1;
  }
#endif
  (void)fd;
  lua_pushnil(L);
  return 1;
}

/***
Whether nobody but its owner (and the superuser) may read or change a file.
@function program.is_private
@tparam string path
@treturn boolean|nil nil: the file cannot be looked at
@treturn ?string why not
*/
static int is_private(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat seen;
  if (stat(path, &seen) != 0) {
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
  }
#ifdef _WIN32
  /* There the mode says nothing about others. */
  lua_pushboolean(L, 1);
#else
  lua_pushboolean(L, (seen.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) == 0);
#endif
  return 1;
}

static const luaL_Reg functions[] = {{"catch_signals", catch_signals}, {"release_signals", release_signals},
                                     {"ignore_broken_pipes", ignore_broken_pipes}, {"signals", signals},
                                     {"hold_streams", hold_streams}, {"columns", columns},
                                     {"is_private", is_private}, {NULL, NULL}};

void tk_program_open(lua_State *L) {
  lua_newtable(L);
  tk_setfuncs(L, functions);
  lua_setfield(L, -2, "program");
}
