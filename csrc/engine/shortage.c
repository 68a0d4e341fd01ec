/* libcurl says "Couldn't connect to server" or "Could not resolve host" also when the process or the machine has no
   descriptor left. This tells such failures from others. */
#define _POSIX_C_SOURCE 200809L /* O_CLOEXEC */

#include "engine/internal.h"
#include "engine/platform.h"

#include <errno.h>
#include <unistd.h>

/* A name lookup takes this many: two for libcurl's resolver thread, one for the resolver's files, one for a socket. */
#define NEEDED 4

/* An error that is not a shortage ends the search, too. */
int tk_shortage_found(void) {
  int files[NEEDED], count = 0, error = 0;
  for (; count < NEEDED; count++) {
    files[count] = open(TK_ANY_FILE, TK_READ_ONLY);
    if (files[count] < 0) {
      error = errno;
      break;
    }
  }
  while (count > 0) close(files[--count]);
  return error == EMFILE || error == ENFILE ? error : 0;
}

const char *tk_shortage_name(int error) {
  switch (error) {
    case EMFILE: return "too many open files";
    case ENFILE: return "too many open files on this machine";
    case ENOBUFS:
    case ENOMEM: return "not enough memory";
    default: return NULL;
  }
}
