/* The notifier without Lua. Built a second time for systems that have none. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/notifier.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A test fails rather than hangs. */
#define PATIENCE_MS 20000

#if !defined(TK_NO_EPOLL)

/* ---- threads that cannot be had: the linker sends pthread_create here ---- */

static int thread_problems[2]; /* what the next calls return, 0: they succeed */
static size_t thread_stack;    /* of the last one asked for; 0: the default */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *data);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *data) {
  int problem = thread_problems[0];
  thread_problems[0] = thread_problems[1];
  thread_problems[1] = 0;
  thread_stack = 0;
  if (attributes != NULL) pthread_attr_getstacksize(attributes, &thread_stack);
  return problem != 0 ? problem : __real_pthread_create(thread, attributes, start, data);
}

/* ---- a notifier, and the reader at the other end ---- */

static tk_notifier *make(void) {
  char message[TK_NOTIFIER_MESSAGE_SIZE] = "";
  tk_notifier *notifier = tk_notifier_new(message);
  if (notifier == NULL) fail_msg("%s", message);
  return notifier;
}

static int connect_to(const char *path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static tk_notifier *make_connected(int *reader) {
  char message[TK_NOTIFIER_MESSAGE_SIZE] = "";
  tk_notifier *notifier = make();
  *reader = connect_to(tk_notifier_path(notifier));
  if (!tk_notifier_accept(notifier, message)) fail_msg("%s", message);
  return notifier;
}

static int next_line(int reader) {
  char line[32];
  size_t size = 0;
  struct pollfd look;
  look.fd = reader;
  look.events = POLLIN;
  do {
    assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
    assert_true(size < sizeof line);
    assert_int_equal(read(reader, line + size, 1), 1);
  } while (line[size++] != '\n');
  return atoi(line);
}

static int readable(void) { return eventfd(1, EFD_CLOEXEC); }

static int open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  int count = 0;
  assert_non_null(folder);
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static int exists(const char *path) { return access(path, F_OK) == 0; }

static void folder_of(const char *path, char folder[PATH_MAX]) {
  snprintf(folder, PATH_MAX, "%s", path);
  *strrchr(folder, '/') = '\0';
}

/* ---- what it tells ---- */

static void a_readable_descriptor_is_told_once(void **state) {
  int reader, first = readable(), second = readable();
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  assert_true(tk_notifier_watch(notifier, first));
  assert_int_equal(next_line(reader), first);
  /* Both are readable now, and the first one would come first. */
  assert_true(tk_notifier_watch(notifier, second));
  assert_int_equal(next_line(reader), second);
  assert_true(tk_notifier_watch(notifier, first));
  assert_int_equal(next_line(reader), first);
  tk_notifier_free(notifier);
  close(reader), close(first), close(second);
}

static void a_descriptor_that_becomes_readable_is_told(void **state) {
  const uint64_t one = 1;
  int reader, late = eventfd(0, EFD_CLOEXEC);
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  assert_true(tk_notifier_watch(notifier, late));
  assert_true(tk_notifier_watch(notifier, late));
  tk_notifier_ring(notifier);
  assert_int_equal(next_line(reader), -1);
  assert_int_equal(write(late, &one, sizeof one), sizeof one);
  assert_int_equal(next_line(reader), late);
  tk_notifier_free(notifier);
  close(reader), close(late);
}

static void each_of_many_is_told(void **state) {
  enum { MANY = 100 };
  int reader, fds[MANY], told[1024] = {0}, i;
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  for (i = 0; i < MANY; i++) assert_true(tk_notifier_watch(notifier, fds[i] = readable()));
  for (i = 0; i < MANY; i++) told[next_line(reader)]++;
  for (i = 0; i < MANY; i++) {
    assert_int_equal(told[fds[i]], 1);
    close(fds[i]);
  }
  tk_notifier_free(notifier);
  close(reader);
}

static void one_that_is_watched_no_longer_is_not_told(void **state) {
  const uint64_t one = 1;
  int reader, quiet = eventfd(0, EFD_CLOEXEC), other = readable();
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  assert_true(tk_notifier_watch(notifier, quiet));
  tk_notifier_unwatch(notifier, quiet);
  tk_notifier_unwatch(notifier, other);
  assert_int_equal(write(quiet, &one, sizeof one), sizeof one);
  assert_true(tk_notifier_watch(notifier, other));
  assert_int_equal(next_line(reader), other);
  tk_notifier_free(notifier);
  close(reader), close(quiet), close(other);
}

static void a_number_that_was_closed_and_opened_anew_is_watched(void **state) {
  int reader, fd = eventfd(0, EFD_CLOEXEC), number = fd;
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  assert_true(tk_notifier_watch(notifier, fd));
  close(fd);
  fd = readable();
  assert_int_equal(fd, number);
  assert_true(tk_notifier_watch(notifier, fd));
  assert_int_equal(next_line(reader), fd);
  close(fd);
  assert_false(tk_notifier_watch(notifier, fd));
  tk_notifier_free(notifier);
  close(reader);
}

/* ---- its ends ---- */

static void the_socket_is_private_and_soon_gone(void **state) {
  char message[TK_NOTIFIER_MESSAGE_SIZE], path[PATH_MAX], folder[PATH_MAX];
  struct stat about;
  tk_notifier *notifier = make();
  int reader;
  (void)state;
  snprintf(path, sizeof path, "%s", tk_notifier_path(notifier));
  folder_of(path, folder);
  assert_int_equal(stat(folder, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0700);
  assert_false(tk_notifier_connected(notifier));
  assert_false(tk_notifier_accept(notifier, message)); /* nobody has come, and it does not wait */
  reader = connect_to(path);
  assert_true(tk_notifier_accept(notifier, message));
  assert_false(exists(path));
  assert_false(exists(folder));
  assert_true(tk_notifier_connected(notifier));
  assert_false(tk_notifier_accept(notifier, message));
  tk_notifier_free(notifier);
  close(reader);

  notifier = make();
  snprintf(path, sizeof path, "%s", tk_notifier_path(notifier));
  folder_of(path, folder);
  tk_notifier_free(notifier);
  assert_false(exists(folder));
  tk_notifier_free(NULL);
}

static void a_reader_that_goes_is_noticed(void **state) {
  int reader, fd = readable();
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  close(reader);
  assert_false(tk_notifier_connected(notifier));
  /* No SIGPIPE, from neither thread. */
  assert_true(tk_notifier_watch(notifier, fd));
  tk_notifier_ring(notifier);
  tk_notifier_free(notifier);
  close(fd);
}

static void a_reader_that_does_not_read_holds_up_nothing(void **state) {
  int reader, fd = readable(), i;
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  alarm(PATIENCE_MS / 1000);
  for (i = 0; i < 100000; i++) tk_notifier_ring(notifier);
  assert_true(tk_notifier_watch(notifier, fd));
  assert_true(tk_notifier_connected(notifier));
  tk_notifier_free(notifier);
  alarm(0);
  close(reader), close(fd);
}

static void nothing_is_left_open(void **state) {
  int before = open_descriptors(), reader;
  tk_notifier *notifier = make();
  (void)state;
  tk_notifier_free(notifier);
  notifier = make_connected(&reader);
  tk_notifier_free(notifier);
  close(reader);
  assert_int_equal(open_descriptors(), before);
}

/* ---- processes and signals ---- */

static void a_forked_child_leaves_it_alone(void **state) {
  int reader, fd = readable(), status = -1;
  tk_notifier *notifier = make_connected(&reader), *unconnected = make();
  pid_t child = fork();
  (void)state;
  if (child == 0) {
    char message[TK_NOTIFIER_MESSAGE_SIZE];
    int well = !tk_notifier_watch(notifier, fd) && !tk_notifier_connected(notifier) &&
               !tk_notifier_accept(unconnected, message);
    tk_notifier_ring(notifier);
    tk_notifier_unwatch(notifier, fd);
    tk_notifier_free(notifier);
    tk_notifier_free(unconnected);
    _exit(well ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_true(exists(tk_notifier_path(unconnected)));
  assert_true(tk_notifier_connected(notifier));
  assert_true(tk_notifier_watch(notifier, fd));
  assert_int_equal(next_line(reader), fd); /* and not the child's -1 */
  tk_notifier_free(notifier);
  tk_notifier_free(unconnected);
  close(reader), close(fd);
}

static void the_thread_takes_no_signals(void **state) {
  sigset_t set, before, pending;
  int reader, fd = readable();
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  assert_true(tk_notifier_watch(notifier, fd));
  assert_int_equal(next_line(reader), fd); /* it runs */
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  assert_false(sigismember(&before, SIGUSR1)); /* making it changed nothing here */
  /* It would end the process if there were a thread to take it. */
  kill(getpid(), SIGUSR1);
  sigpending(&pending);
  assert_true(sigismember(&pending, SIGUSR1));
  signal(SIGUSR1, SIG_IGN); /* which discards it */
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  signal(SIGUSR1, SIG_DFL);
  tk_notifier_free(notifier);
  close(reader), close(fd);
}

/* ---- what may fail ---- */

static void expect_none(const char *problem) {
  char message[TK_NOTIFIER_MESSAGE_SIZE] = "";
  assert_null(tk_notifier_new(message));
  if (strstr(message, problem) == NULL) fail_msg("%s", message);
}

static void no_memory(void **state) {
  (void)state;
  memory_limit(&own_memory, 0, 1);
  expect_none("not enough memory");
  memory_lift(&own_memory);
  assert_int_equal(own_memory.live, 0);
}

static void no_folder(void **state) {
  char longer[200];
  (void)state;
  setenv("TMPDIR", "/nowhere", 1);
  expect_none("No such file");
  memset(longer, 'x', sizeof longer);
  longer[sizeof longer - 1] = '\0';
  setenv("TMPDIR", longer, 1);
  expect_none("too long");
  setenv("TMPDIR", "", 1);
  tk_notifier_free(make());
  unsetenv("TMPDIR");
}

/* One more each time; it takes three. */
static void no_descriptors(void **state) {
  struct rlimit before, limit;
  int lowest = dup(0), taken;
  (void)state;
  close(lowest);
  getrlimit(RLIMIT_NOFILE, &before);
  for (taken = 0; taken < 3; taken++) {
    limit = before;
    limit.rlim_cur = (rlim_t)(lowest + taken);
    setrlimit(RLIMIT_NOFILE, &limit);
    expect_none("Too many open files");
    setrlimit(RLIMIT_NOFILE, &before);
  }
  taken = dup(0);
  assert_int_equal(taken, lowest);
  close(taken);
}

static void no_descriptor_for_the_connection(void **state) {
  char message[TK_NOTIFIER_MESSAGE_SIZE], path[PATH_MAX];
  struct rlimit before, limit;
  tk_notifier *notifier = make();
  int reader, highest;
  (void)state;
  snprintf(path, sizeof path, "%s", tk_notifier_path(notifier));
  reader = connect_to(path);
  highest = dup(0);
  close(highest);
  getrlimit(RLIMIT_NOFILE, &before);
  limit = before;
  limit.rlim_cur = (rlim_t)highest;
  setrlimit(RLIMIT_NOFILE, &limit);
  assert_false(tk_notifier_accept(notifier, message));
  setrlimit(RLIMIT_NOFILE, &before);
  assert_non_null(strstr(message, "Too many open files"));
  tk_notifier_free(notifier);
  assert_false(exists(path));
  close(reader);
}

static void no_thread(void **state) {
  char message[TK_NOTIFIER_MESSAGE_SIZE];
  tk_notifier *notifier = make();
  int reader = connect_to(tk_notifier_path(notifier));
  (void)state;
  thread_problems[0] = EAGAIN;
  assert_false(tk_notifier_accept(notifier, message));
  assert_non_null(strstr(message, "thread"));
  assert_false(tk_notifier_connected(notifier));
  tk_notifier_free(notifier);
  close(reader);
}

static void a_small_stack_where_it_will_do(void **state) {
  int reader;
  tk_notifier *notifier = make_connected(&reader);
  (void)state;
  assert_true(thread_stack >= 1 && thread_stack <= 256 * 1024);
  tk_notifier_free(notifier);
  close(reader);
  thread_problems[0] = EINVAL;
  notifier = make_connected(&reader);
  assert_int_equal(thread_stack, 0);
  tk_notifier_ring(notifier);
  assert_int_equal(next_line(reader), -1);
  tk_notifier_free(notifier);
  close(reader);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_readable_descriptor_is_told_once),
    cmocka_unit_test(a_descriptor_that_becomes_readable_is_told),
    cmocka_unit_test(each_of_many_is_told),
    cmocka_unit_test(one_that_is_watched_no_longer_is_not_told),
    cmocka_unit_test(a_number_that_was_closed_and_opened_anew_is_watched),
    cmocka_unit_test(the_socket_is_private_and_soon_gone),
    cmocka_unit_test(a_reader_that_goes_is_noticed),
    cmocka_unit_test(a_reader_that_does_not_read_holds_up_nothing),
    cmocka_unit_test(nothing_is_left_open),
    cmocka_unit_test(a_forked_child_leaves_it_alone),
    cmocka_unit_test(the_thread_takes_no_signals),
    cmocka_unit_test(no_memory),
    cmocka_unit_test(no_folder),
    cmocka_unit_test(no_descriptors),
    cmocka_unit_test(no_descriptor_for_the_connection),
    cmocka_unit_test(no_thread),
    cmocka_unit_test(a_small_stack_where_it_will_do),
  };
  return cmocka_run_group_tests_name("notifier", tests, NULL, NULL);
}

#else

static void there_is_none(void **state) {
  char message[TK_NOTIFIER_MESSAGE_SIZE] = "";
  (void)state;
  assert_null(tk_notifier_new(message));
  assert_string_equal(message, "the notifier needs Linux");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_none)};
  return cmocka_run_group_tests_name("notifier elsewhere", tests, NULL, NULL);
}

#endif
