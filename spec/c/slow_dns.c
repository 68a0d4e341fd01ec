/* A resolver that hangs. Preloaded into a program it says "resolving" on standard output when a name is asked for, and
   has no answer until standard input ends; then every name is this machine's. */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* With no events asked for, poll reports the end alone, so the program can go on reading its input. */
static void wait_for_end_of_input(void) {
  struct pollfd input;
  memset(&input, 0, sizeof input);
  while (poll(&input, 1, -1) <= 0) continue;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  static const char mark[] = "resolving\n";
  void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
  resolve *real;
  (void)name;
  if (symbol == NULL || write(STDOUT_FILENO, mark, sizeof mark - 1) != (ssize_t)(sizeof mark - 1)) return EAI_SYSTEM;
  memcpy(&real, &symbol, sizeof real);
  wait_for_end_of_input();
  return real("127.0.0.1", service, hints, found);
}
