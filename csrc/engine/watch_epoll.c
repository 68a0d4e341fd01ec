/*
 * One pollable descriptor for everything an engine waits for: an epoll set with libcurl's sockets, a
 * timer and an event in it. Three things make it as fast as curl_multi_poll, each measured:
 * the timer is never set to "now" (an event does that), interest in our own sockets is kept while
 * they idle (two system calls less a request), and starts are coalesced into one step.
 */
#define _GNU_SOURCE

#include "engine/engine_internal.h"

#if TK_EPOLL

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READ 1
#define WRITE 2

/* Events taken in one step; what is left is taken in the next, as the descriptor stays readable. */
#define EVENTS 64

/* How long a step may take, in seconds: hosts such as games have no more for it. What is left stays for the next. */
#define STEP_TIME 0.00005

/* Transfers that libcurl is given at once. Each may cost a resolver thread. */
#define GROUP 2

/* A timer closer than this is an event: to program the kernel's timer costs more. */
#define AT_ONCE 0.00005

/* More than a host has open: a transfer whose name is being looked up has two, for as long as that takes. */
#define DESCRIPTORS 4096

/* What answers within so many seconds is near. */
#define NEAR 0.0001

/* Looks in vain, one after the other, that count: each doubles the number of waits until the next one. */
#define MOST_IN_VAIN 10

/* Times libcurl is called again within one step when it asks to be. */
#define ROUNDS 8

/* Tells the kernel what we wait for on a socket. */
static int set_interest(tk_engine *engine, curl_socket_t fd, tk_socket *entry, int interest) {
  struct epoll_event event;
  int operation = interest == 0 ? EPOLL_CTL_DEL : entry->registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  memset(&event, 0, sizeof event);
  event.events = (interest & READ ? (uint32_t)EPOLLIN : 0) | (interest & WRITE ? (uint32_t)EPOLLOUT : 0);
  event.data.fd = fd;
  entry->registered = (unsigned char)interest;
  return epoll_ctl(engine->fd, operation, fd, &event);
}

/* libcurl wants to wait for a socket, or no longer. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused) {
  tk_engine *engine = (tk_engine *)data;
  tk_socket *entry = tk_socket_entry(engine, fd);
  int interest = (what & CURL_POLL_IN ? READ : 0) | (what & CURL_POLL_OUT ? WRITE : 0);
  (void)easy, (void)unused;
  if (entry == NULL) return -1;
  if (what == CURL_POLL_REMOVE) {
    entry->wanted = 0;
    /* libcurl closes its own descriptors, the resolver's, without telling; ours it keeps for later. */
    if (!entry->ours && entry->registered != 0) (void)set_interest(engine, fd, entry, 0);
    return 0;
  }
  entry->wanted = 1;
  if (entry->registered == interest) return 0;
  return set_interest(engine, fd, entry, interest);
}

/* Only notes the wish: libcurl must not be called from here. */
static int on_timer(CURLM *multi, long milliseconds, void *data) {
  tk_engine *engine = (tk_engine *)data;
  (void)multi;
  engine->due = milliseconds == 0;
  engine->curl_timer = milliseconds > 0 ? tk_now() + (double)milliseconds / 1000 : -1;
  return 0;
}

static int watch_for(tk_engine *engine, int fd) {
  struct epoll_event event;
  if (fd < 0) return 0;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(engine->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* When a process with several threads, such as libcurl's resolvers, comes to a descriptor beyond a power of two, the
   kernel makes it wait for a larger table, ten milliseconds as measured. It is made to have one from the start. */
static void widen_descriptor_table(int fd) {
  struct rlimit limit;
  int high = DESCRIPTORS - 1, copy;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) high = (int)limit.rlim_cur - 1;
  copy = fcntl(fd, F_DUPFD_CLOEXEC, high);
  if (copy >= 0) close(copy);
}

/* 0: no memory or no descriptors. */
int tk_watch_open(tk_engine *engine) {
  engine->fd = epoll_create1(EPOLL_CLOEXEC);
  if (engine->fd >= 0) widen_descriptor_table(engine->fd);
  engine->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  engine->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return engine->fd >= 0 && watch_for(engine, engine->timer_fd) && watch_for(engine, engine->event_fd) &&
         curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
         curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine) == CURLM_OK &&
         curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
         curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine) == CURLM_OK;
}

/* After libcurl has gone. In a forked child this closes the child's copies, no more. */
void tk_watch_close(tk_engine *engine) {
  if (engine->event_fd >= 0) close(engine->event_fd);
  if (engine->timer_fd >= 0) close(engine->timer_fd);
  if (engine->fd >= 0) close(engine->fd);
}

static void act(tk_engine *engine, curl_socket_t fd, int events) {
  int running;
  if (engine->broken) return;
  if (curl_multi_socket_action(engine->multi, fd, events, &running) != CURLM_OK) tk_engine_broken(engine);
}

/* libcurl announces its next timer again after each of these calls. */
static void act_by_time(tk_engine *engine) {
  engine->due = 0;
  engine->curl_timer = -1;
  act(engine, CURL_SOCKET_TIMEOUT, 0);
  tk_engine_reap(engine);
}

static void act_while_due(tk_engine *engine, double until) {
  int round;
  for (round = 0; engine->due || engine->held_back != NULL; round++) {
    if (round == ROUNDS || (round > 0 && tk_now() >= until)) return;
    tk_engine_release(engine, GROUP);
    act_by_time(engine);
  }
}

void tk_watch_started(tk_engine *engine) { act_while_due(engine, tk_now() + STEP_TIME); }

static void kick(tk_engine *engine) {
  const uint64_t one = 1;
  if (!engine->kicked) engine->kicked = write(engine->event_fd, &one, sizeof one) == (ssize_t)sizeof one;
}

/* Sets the timer, or the event if something is due already. A timer that is set too early is left:
   it only makes for one step without work. */
void tk_watch_settle(tk_engine *engine) {
  double next = tk_engine_next(engine);
  struct itimerspec setting;
  if (engine->due || engine->held_back != NULL || (next >= 0 && next - tk_now() < AT_ONCE)) {
    kick(engine);
  } else if (next >= 0 && (engine->armed < 0 || next < engine->armed)) {
    memset(&setting, 0, sizeof setting);
    setting.it_value.tv_sec = (time_t)next;
    setting.it_value.tv_nsec = (long)((next - (double)setting.it_value.tv_sec) * 1e9);
    if (timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &setting, NULL) == 0) engine->armed = next;
  }
}

static void on_event(tk_engine *engine, const struct epoll_event *event) {
  int fd = event->data.fd;
  tk_socket *entry = &engine->sockets[fd];
  int events = (event->events & (uint32_t)(EPOLLIN | EPOLLRDHUP) ? CURL_CSELECT_IN : 0) |
               (event->events & (uint32_t)EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (uint32_t)(EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
  if (entry->wanted) act(engine, fd, events);
  else if (entry->registered != 0) (void)set_interest(engine, fd, entry, 0); /* an idle connection that ended */
}

/* Looks again and again, for as long as something near may take. */
static int look(tk_engine *engine, struct epoll_event *events) {
  double until = tk_now() + NEAR;
  int count;
  do count = epoll_wait(engine->fd, events, EVENTS, 0);
  while (count == 0 && tk_now() < until);
  if (count != 0) engine->looks_in_vain = 0;
  else if (engine->looks_in_vain < MOST_IN_VAIN) engine->looks_in_vain++;
  engine->looks_to_skip = (1 << engine->looks_in_vain) - 1;
  return count;
}

/* To be put to sleep and woken again takes a processor about as long as a server on the same machine takes to answer,
   so a wait begins with looking. Where that is in vain, since the server is far or has no processor of its own, it is
   done ever less: for one wait of a thousand in the end. */
static int await_events(tk_engine *engine, struct epoll_event *events, int milliseconds) {
  int count = 0;
  if (milliseconds > 0) {
    if (engine->looks_to_skip > 0) engine->looks_to_skip--;
    else count = look(engine, events);
  }
  return count != 0 ? count : epoll_wait(engine->fd, events, EVENTS, milliseconds);
}

/* Waits so many milliseconds for something to do, and does it, if need be until the given time. */
static void step(tk_engine *engine, int milliseconds, double until) {
  struct epoll_event events[EVENTS];
  int count = await_events(engine, events, milliseconds), i, by_time = 0;
  uint64_t ignored;
  tk_sigpipe signals;
  if (count <= 0) return;
  if (until < tk_now() + STEP_TIME) until = tk_now() + STEP_TIME;
  tk_sigpipe_block(engine, &signals);
  for (i = 0; i < count && (i == 0 || tk_now() < until); i++) {
    int fd = events[i].data.fd;
    if (fd == engine->timer_fd) {
      by_time = read(fd, &ignored, sizeof ignored) > 0 || errno == EAGAIN;
      engine->armed = -1;
    } else if (fd == engine->event_fd) {
      by_time = read(fd, &ignored, sizeof ignored) > 0 || errno == EAGAIN;
      engine->kicked = 0;
    } else {
      on_event(engine, &events[i]);
    }
  }
  tk_engine_reap(engine);
  tk_engine_expire(engine, until);
  if (by_time) engine->due = 1;
  act_while_due(engine, until);
  tk_watch_settle(engine);
  tk_sigpipe_restore(&signals);
}

void tk_watch_step(tk_engine *engine) { step(engine, 0, 0); }

/* A host that waits has the time that it gave. */
void tk_watch_wait(tk_engine *engine, double seconds) {
  double milliseconds = seconds > 0 ? seconds * 1000 + 0.999 : 0;
  step(engine, milliseconds > (double)INT_MAX ? INT_MAX : (int)milliseconds, tk_now() + seconds);
}

#else
typedef int tk_no_epoll; /* C99 wants a declaration in every file */
#endif
