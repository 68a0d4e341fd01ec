/* A program that is killed while it writes a file. Preloaded, with KILL_FILE the end of the file's path, KILL_AT the
   number of the write, from 1, and KILL_SHARE how much of it reaches the file before: none, half or all. */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef ssize_t write_function(int, const void *, size_t);

static int is_meant(int fd, const char *ending) {
  char link[64], path[4096];
  ssize_t size;
  size_t length = strlen(ending);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink(link, path, sizeof path);
  return size >= (ssize_t)length && memcmp(path + size - length, ending, length) == 0;
}

ssize_t write(int fd, const void *text, size_t size) {
  static int count = 0;
  const char *ending = getenv("KILL_FILE"), *at = getenv("KILL_AT"), *share = getenv("KILL_SHARE");
  void *symbol = dlsym(RTLD_NEXT, "write");
  write_function *real;
  memcpy(&real, &symbol, sizeof real);
  if (ending == NULL || at == NULL || share == NULL || !is_meant(fd, ending) || ++count != atoi(at))
    return real(fd, text, size);
  if (strcmp(share, "none") != 0) (void)!real(fd, text, strcmp(share, "all") == 0 ? size : size / 2);
  raise(SIGKILL);
  return -1;
}
