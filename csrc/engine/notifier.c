/*
 * The notifier's helper thread, its socket and its epoll set. The thread reads fields that are set before it starts
 * and never change while it runs. All else it learns through the kernel: what to watch through the epoll set, and
 * when to end through an eventfd. So there are no locks. Without epoll there are only functions that fail.
 */
#define _GNU_SOURCE /* accept4, mkdtemp */

#include "engine/notifier.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__linux__) && !defined(TK_NO_EPOLL)

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The thread only calls the kernel and formats a number. The default stack is megabytes of address space. */
#define STACK_SIZE (64 * 1024)

#define EVENTS 16
#define LINE_SIZE 16
#define STOP (-1)

struct tk_notifier {
  pid_t pid;
  int epoll;    /* the set that the thread waits for: the watched descriptors, and `stop` */
  int stop;     /* an eventfd; readable: the thread has to end */
  int listener; /* -1 once the connection was accepted */
  int peer;     /* our end of the connection; -1 before */
  int running;  /* there is a thread to join */
  pthread_t thread;
  struct sockaddr_un address; /* the socket's file; an empty path: there is no file */
};

/* Writes what failed, and errno's text in English: in the locale's language and encoding it may not be UTF-8. Returns
   0. */
static int fail(char message[TK_NOTIFIER_MESSAGE_SIZE], const char *what) {
  int error = errno;
  locale_t english = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  snprintf(message, TK_NOTIFIER_MESSAGE_SIZE, "%s: %s", what,
           english == (locale_t)0 ? "not enough memory" : strerror_l(error, english));
  if (english != (locale_t)0) freelocale(english);
  return 0;
}

static int is_ours(const tk_notifier *notifier) { return notifier->pid == getpid(); }

/* ---- the thread ---- */

/* Errors are ignored. A reader that has gone is found by tk_notifier_connected. With MSG_DONTWAIT a line that does not
   fit is dropped: the reader has thousands of unread lines then, so it will wake up anyway. */
static void write_line(int peer, int fd, int flags) {
  char line[LINE_SIZE];
  int size = snprintf(line, sizeof line, "%d\n", fd);
  (void)send(peer, line, (size_t)size, MSG_NOSIGNAL | flags);
}

/* The thread. */
static void *watch(void *data) {
  const tk_notifier *notifier = (const tk_notifier *)data;
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(notifier->epoll, events, EVENTS, -1), i;
    if (count < 0 && errno != EINTR) return NULL;
    for (i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == STOP) return NULL;
      write_line(notifier->peer, fd, 0);
    }
  }
}

/* Some processors' smallest stack is larger: 128 KiB on arm64. */
static size_t stack_size(void) {
  long least = sysconf(_SC_THREAD_STACK_MIN);
  return least > STACK_SIZE ? (size_t)least : STACK_SIZE;
}

/* Falls back to the default stack, because the small one is refused in processes with much thread-local data. Returns
   an errno value, or 0. */
static int create_thread(tk_notifier *notifier) {
  pthread_attr_t attributes;
  int problem = pthread_attr_init(&attributes);
  if (problem != 0) return problem;
  (void)pthread_attr_setstacksize(&attributes, stack_size());
  problem = pthread_create(&notifier->thread, &attributes, watch, notifier);
  if (problem == EINVAL) problem = pthread_create(&notifier->thread, NULL, watch, notifier);
  (void)pthread_attr_destroy(&attributes);
  return problem;
}

/* The thread starts with all signals blocked, so that signals go to the host's own threads. Returns an errno value, or
   0. */
static int start_thread(tk_notifier *notifier) {
  sigset_t all, before;
  int problem;
  sigfillset(&all);
  problem = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (problem != 0) return problem;
  problem = create_thread(notifier);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return problem;
}

/* ---- the socket ---- */

/* Removes the socket's file and folder. An accepted connection stays open. */
static void remove_file(tk_notifier *notifier) {
  char *path = notifier->address.sun_path;
  char *end = strrchr(path, '/');
  if (end == NULL) return;
  (void)unlink(path);
  *end = '\0';
  (void)rmdir(path);
  path[0] = '\0';
}

/* Makes a folder that only this user can enter, so nobody else can connect, and names a file in it. */
static int make_file(tk_notifier *notifier, char message[TK_NOTIFIER_MESSAGE_SIZE]) {
  static const char name[] = "/timekit-XXXXXX", file[] = "/s";
  const char *folder = getenv("TMPDIR");
  char *path = notifier->address.sun_path;
  if (folder == NULL || folder[0] == '\0') folder = "/tmp";
  if (strlen(folder) + sizeof name + sizeof file > sizeof notifier->address.sun_path) {
    errno = ENAMETOOLONG;
    return fail(message, "the folder for temporary files");
  }
  strcpy(path, folder);
  strcat(path, name);
  if (mkdtemp(path) == NULL) {
    path[0] = '\0';
    return fail(message, "no folder for the notifier's socket");
  }
  strcat(path, file);
  return 1;
}

static int listen_there(tk_notifier *notifier, char message[TK_NOTIFIER_MESSAGE_SIZE]) {
  const struct sockaddr *address = (const struct sockaddr *)(const void *)&notifier->address;
  notifier->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (notifier->listener < 0 || bind(notifier->listener, address, (socklen_t)sizeof notifier->address) != 0 ||
      listen(notifier->listener, 1) != 0)
    return fail(message, "the notifier's socket");
  return 1;
}

/* epoll_ctl, with `name` as what epoll_wait returns. 1: it succeeded. */
static int control(const tk_notifier *notifier, int operation, int fd, int name, uint32_t events) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = events;
  event.data.fd = name;
  return epoll_ctl(notifier->epoll, operation, fd, &event) == 0;
}

/* ---- the public functions ---- */

tk_notifier *tk_notifier_new(char message[TK_NOTIFIER_MESSAGE_SIZE]) {
  tk_notifier *notifier = (tk_notifier *)calloc(1, sizeof *notifier);
  if (notifier == NULL) {
    snprintf(message, TK_NOTIFIER_MESSAGE_SIZE, "not enough memory");
    return NULL;
  }
  notifier->pid = getpid();
  notifier->listener = notifier->peer = -1;
  notifier->address.sun_family = AF_UNIX;
  notifier->epoll = epoll_create1(EPOLL_CLOEXEC);
  notifier->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (notifier->epoll < 0 || notifier->stop < 0 || !control(notifier, EPOLL_CTL_ADD, notifier->stop, STOP, EPOLLIN))
    (void)fail(message, "the notifier");
  else if (make_file(notifier, message) && listen_there(notifier, message))
    return notifier;
  tk_notifier_free(notifier);
  return NULL;
}

const char *tk_notifier_path(const tk_notifier *notifier) { return notifier->address.sun_path; }

int tk_notifier_accept(tk_notifier *notifier, char message[TK_NOTIFIER_MESSAGE_SIZE]) {
  if (!is_ours(notifier) || notifier->listener < 0) {
    snprintf(message, TK_NOTIFIER_MESSAGE_SIZE, "the notifier waits for no connection");
    return 0;
  }
  notifier->peer = accept4(notifier->listener, NULL, NULL, SOCK_CLOEXEC);
  if (notifier->peer < 0) return fail(message, "no connection to the notifier");
  close(notifier->listener);
  notifier->listener = -1;
  remove_file(notifier);
  errno = start_thread(notifier);
  if (errno != 0) return fail(message, "the notifier's thread");
  notifier->running = 1;
  return 1;
}

/* The kernel drops closed descriptors from the set, so only the kernel knows whether this one is in it. MOD is tried
   first because most are. */
int tk_notifier_watch(tk_notifier *notifier, int fd) {
  const uint32_t once = (uint32_t)EPOLLIN | (uint32_t)EPOLLONESHOT;
  return is_ours(notifier) && (control(notifier, EPOLL_CTL_MOD, fd, fd, once) ||
                               (errno == ENOENT && control(notifier, EPOLL_CTL_ADD, fd, fd, once)));
}

void tk_notifier_unwatch(tk_notifier *notifier, int fd) {
  if (is_ours(notifier)) (void)control(notifier, EPOLL_CTL_DEL, fd, fd, 0);
}

void tk_notifier_ring(tk_notifier *notifier) {
  if (is_ours(notifier) && notifier->peer >= 0) write_line(notifier->peer, -1, MSG_DONTWAIT);
}

int tk_notifier_connected(const tk_notifier *notifier) {
  char byte;
  if (!is_ours(notifier) || !notifier->running) return 0;
  /* The other end never writes, so anything readable is its end of file. */
  return recv(notifier->peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

/* The thread may be blocked in a write to a reader that does not read; the shutdown ends that write. */
static void stop_thread(const tk_notifier *notifier) {
  const uint64_t one = 1;
  (void)shutdown(notifier->peer, SHUT_RDWR);
  /* Writing to an empty eventfd does not fail. */
  if (write(notifier->stop, &one, sizeof one) == (ssize_t)sizeof one) (void)pthread_join(notifier->thread, NULL);
}

void tk_notifier_free(tk_notifier *notifier) {
  if (notifier == NULL) return;
  if (is_ours(notifier)) {
    if (notifier->running) stop_thread(notifier);
    remove_file(notifier);
  }
  if (notifier->peer >= 0) close(notifier->peer);
  if (notifier->listener >= 0) close(notifier->listener);
  if (notifier->stop >= 0) close(notifier->stop);
  if (notifier->epoll >= 0) close(notifier->epoll);
  free(notifier);
}

#else

tk_notifier *tk_notifier_new(char message[TK_NOTIFIER_MESSAGE_SIZE]) {
  snprintf(message, TK_NOTIFIER_MESSAGE_SIZE, "the notifier needs Linux");
  return NULL;
}

const char *tk_notifier_path(const tk_notifier *notifier) {
  (void)notifier;
  return "";
}

int tk_notifier_accept(tk_notifier *notifier, char message[TK_NOTIFIER_MESSAGE_SIZE]) {
  (void)notifier;
  snprintf(message, TK_NOTIFIER_MESSAGE_SIZE, "the notifier needs Linux");
  return 0;
}

int tk_notifier_watch(tk_notifier *notifier, int fd) {
  (void)notifier, (void)fd;
  return 0;
}

void tk_notifier_unwatch(tk_notifier *notifier, int fd) { (void)notifier, (void)fd; }

void tk_notifier_ring(tk_notifier *notifier) { (void)notifier; }

int tk_notifier_connected(const tk_notifier *notifier) {
  (void)notifier;
  return 0;
}

void tk_notifier_free(tk_notifier *notifier) { (void)notifier; }

#endif
