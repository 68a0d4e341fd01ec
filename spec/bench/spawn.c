/* Runs a program that makes one request and prints: `spawn PROGRAM ARGUMENT...` prints the milliseconds until the first
byte that it printed, and those of CPU until it ended; then what it printed. Its status is the program's. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double milliseconds(const struct timeval *time) {
  return (double)time->tv_sec * 1e3 + (double)time->tv_usec / 1e3;
}

static void become(char **command, const int ends[2]) {
  if (dup2(ends[1], STDOUT_FILENO) < 0) fail("dup2");
  close(ends[0]);
  close(ends[1]);
  execvp(command[0], command);
  perror(command[0]);
  _exit(127);
}

int main(int argc, char **argv) {
  static char text[1 << 16];
  struct rusage usage;
  size_t size = 0;
  ssize_t got;
  int ends[2], status;
  double began, answered = 0;
  pid_t child;
  if (argc < 2) {
    fputs("usage: spawn PROGRAM ARGUMENT...\n", stderr);
    return 1;
  }
  if (pipe(ends) < 0) fail("pipe");
  began = now();
  child = fork();
  if (child < 0) fail("fork");
  if (child == 0) become(argv + 1, ends);
  close(ends[1]);
  while (size < sizeof text && (got = read(ends[0], text + size, sizeof text - size)) > 0) {
    if (size == 0) answered = now() - began;
    size += (size_t)got;
  }
  if (wait4(child, &status, 0, &usage) < 0) fail("wait4");
  printf("%.3f %.3f\n", answered, milliseconds(&usage.ru_utime) + milliseconds(&usage.ru_stime));
  fwrite(text, 1, size, stdout);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
