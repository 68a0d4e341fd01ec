/*
 * Watches everything that an engine waits for through one epoll set, which hosts can poll as a single descriptor. In
 * the set are libcurl's sockets, a timerfd for the next timer, and an eventfd for work that is due now.
 *
 * Three rules make it as fast as curl_multi_poll; without the last two it was 14 to 20 % slower. A timer that is due
 * now uses the eventfd, because setting a timerfd to "now" doubled the CPU time of a request. Idle sockets of our own
 * stay in the set, which saves two system calls a request (5 µs). Transfers that start together are sent in one step.
 */
#define _GNU_SOURCE

#include "engine/internal.h"

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

/* Events handled in one step. The descriptor stays readable while more are left. */
#define EVENTS 64

/* Seconds after which a step stops and leaves the rest to the next one. Hosts such as games cannot spare more. */
#define STEP_TIME 0.00005

/* Transfers given to libcurl between two checks of the time. It is one while they start resolver threads: such a start
   takes 150 µs, twice as long as a whole step should. */
#define GROUP 2

/* Seconds. A timer that is closer than this uses the eventfd: setting the timerfd would take longer. */
#define AT_ONCE 0.00005

/* More descriptors than hosts usually have open. Each transfer that waits for a name lookup uses two. */
#define DESCRIPTORS 4096

/* How often libcurl is called again within one step when it asks for that. */
#define ROUNDS 8

/* Sets the events that epoll reports for a socket; 0: none. Returns 0, or -1 as epoll_ctl does. */
static int set_interest(tk_engine *engine, curl_socket_t fd, tk_socket *entry, int interest) {
  struct epoll_event event;
  int operation = interest == 0 ? EPOLL_CTL_DEL : entry->registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  memset(&event, 0, sizeof event);
  event.events = (interest & READ ? (uint32_t)EPOLLIN : 0) | (interest & WRITE ? (uint32_t)EPOLLOUT : 0);
  event.data.fd = fd;
  entry->registered = (unsigned char)interest;
  return epoll_ctl(engine->fd, operation, fd, &event);
}

int tk_watch_stream(tk_engine *engine, curl_socket_t fd, int and_write) {
  tk_socket *entry = &engine->sockets[fd];
  int interest = READ | (and_write ? WRITE : 0);
  return entry->registered == interest || set_interest(engine, fd, entry, interest) == 0;
}

/* libcurl's CURLMOPT_SOCKETFUNCTION: libcurl starts or stops waiting for a socket. -1 makes the multi handle fail. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused) {
  tk_engine *engine = (tk_engine *)data;
  tk_socket *entry = tk_socket_entry(engine, fd);
  int interest = (what & CURL_POLL_IN ? READ : 0) | (what & CURL_POLL_OUT ? WRITE : 0);
  (void)easy, (void)unused;
  if (entry == NULL) return -1;
  if (what == CURL_POLL_REMOVE) {
    entry->wanted = 0;
    /* libcurl closes the descriptors of its resolver without telling us, so they leave the set now. */
    if (!entry->ours && entry->registered != 0) (void)set_interest(engine, fd, entry, 0);
    return 0;
  }
  entry->wanted = 1;
  if (!entry->ours) engine->resolves = 1;
  if (entry->registered == interest) return 0;
  return set_interest(engine, fd, entry, interest);
}

/* libcurl's CURLMOPT_TIMERFUNCTION. It only takes a note, because it must not call libcurl. */
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

/* The kernel's table of descriptors grows by powers of two. In a process with several threads, such as libcurl's
   resolvers, growing took 10 ms, measured. Opening a high descriptor makes the table grow now. */
static void widen_descriptor_table(int fd) {
  struct rlimit limit;
  int high = DESCRIPTORS - 1, copy;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) high = (int)limit.rlim_cur - 1;
  copy = fcntl(fd, F_DUPFD_CLOEXEC, high);
  if (copy >= 0) close(copy);
}

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

/* Call it once libcurl is cleaned up. In a forked child it only closes the child's copies. */
void tk_watch_close(tk_engine *engine) {
  if (engine->event_fd >= 0) close(engine->event_fd);
  if (engine->timer_fd >= 0) close(engine->timer_fd);
  if (engine->fd >= 0) close(engine->fd);
}

/* Closing is not enough if a forked child has a copy of the descriptor: the socket then stays in the set, and its
   events would make the set readable for ever. */
void tk_watch_forget(tk_engine *engine, curl_socket_t fd) {
  tk_socket *entry = &engine->sockets[fd];
  if (entry->registered != 0) (void)set_interest(engine, fd, entry, 0);
}

/* Tells libcurl of events on a socket, and lets it work. */
static void act(tk_engine *engine, curl_socket_t fd, int events) {
  int running;
  if (engine->broken) return;
  if (curl_multi_socket_action(engine->multi, fd, events, &running) != CURLM_OK) tk_engine_broken(engine);
}

/* Lets libcurl handle its expired timers. Both notes are cleared first, since libcurl sets its next timer in the
   call. */
static void act_by_time(tk_engine *engine) {
  engine->due = 0;
  engine->curl_timer = -1;
  act(engine, CURL_SOCKET_TIMEOUT, 0);
  tk_engine_reap(engine);
}

/* Sends the transfers that are held back and runs libcurl, for as long as there is something to do and time is
   left. */
static void act_while_due(tk_engine *engine, double until) {
  int round;
  for (round = 0; engine->due || engine->held_back != NULL; round++) {
    if (round == ROUNDS || (round > 0 && tk_now() >= until)) return;
    if (engine->held_back != NULL) {
      int group = engine->resolves ? 1 : GROUP;
      engine->resolves = 0;
      tk_engine_release(engine, group);
    }
    act_by_time(engine);
  }
}

void tk_watch_started(tk_engine *engine) { act_while_due(engine, tk_now() + STEP_TIME); }

/* Makes the descriptor readable. */
static void kick(tk_engine *engine) {
  const uint64_t one = 1;
  if (!engine->kicked) engine->kicked = write(engine->event_fd, &one, sizeof one) == (ssize_t)sizeof one;
}

/* Seconds since boot, 63 years. Later times do not fit into a time_t of 32 bits, or of any size. */
#define LATEST 2e9

/* Kicks if something is due now, and else sets the timerfd. If the timerfd is set to an earlier time, it is left so:
   that costs one step without work, which is less than setting it again. */
void tk_watch_settle(tk_engine *engine) {
  double next = tk_engine_next(engine);
  struct itimerspec setting;
  if (next > LATEST) next = LATEST;
  if (engine->due || engine->held_back != NULL || engine->streams_due || (next >= 0 && next - tk_now() < AT_ONCE)) {
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
  else if (entry->stream != NULL) tk_stream_ready(entry->stream);
  else if (entry->registered != 0) (void)set_interest(engine, fd, entry, 0); /* the server closed an idle connection */
}

/* Waits up to `milliseconds` for events and handles them. Works until `until`, or for STEP_TIME if that is later. */
static void step(tk_engine *engine, int milliseconds, double until) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(engine->fd, events, EVENTS, milliseconds), i, by_time = 0;
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
  if (engine->streams_due) tk_streams_go_on(engine, 0);
  tk_engine_expire(engine, until);
  if (by_time) engine->due = 1;
  act_while_due(engine, until);
  tk_watch_settle(engine);
  tk_sigpipe_restore(&signals);
}

void tk_watch_step(tk_engine *engine) { step(engine, 0, 0); }

/* The host has allowed `seconds`, so the step may take what the waiting leaves of them. */
void tk_watch_wait(tk_engine *engine, double seconds) {
  double milliseconds = seconds > 0 ? seconds * 1000 + 0.999 : 0;
  step(engine, milliseconds > (double)INT_MAX ? INT_MAX : (int)milliseconds, tk_now() + seconds);
}

#else
typedef int tk_no_epoll; /* C99 requires a declaration in every file */
#endif
