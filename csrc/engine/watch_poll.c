/* Watches an engine's sockets and timers on systems without epoll, with curl_multi_poll and curl_multi_perform. There
   is no single descriptor for hosts to poll. */
#include "engine/internal.h"

#if TK_EPOLL
typedef int tk_no_poll; /* C99 requires a declaration in every file */
#else

#include <limits.h>
#include <math.h>

int tk_watch_open(tk_engine *engine) {
  (void)engine;
  return 1;
}

void tk_watch_close(tk_engine *engine) { (void)engine; }

int tk_watch_stream(tk_engine *engine, curl_socket_t fd, int and_write) {
  (void)engine, (void)fd, (void)and_write;
  return 1;
}

void tk_watch_forget(tk_engine *engine, curl_socket_t fd) { (void)engine, (void)fd; }

static void perform(tk_engine *engine) {
  int running;
  tk_engine_release(engine, INT_MAX);
  if (curl_multi_perform(engine->multi, &running) != CURLM_OK) tk_engine_broken(engine);
  else tk_engine_reap(engine);
}

void tk_watch_started(tk_engine *engine) { perform(engine); }

/* There is no kernel timer to set; this only asks libcurl for its next timer. */
void tk_watch_settle(tk_engine *engine) {
  long milliseconds = -1;
  if (curl_multi_timeout(engine->multi, &milliseconds) != CURLM_OK) milliseconds = 0;
  engine->due = milliseconds == 0;
  engine->curl_timer = milliseconds > 0 ? tk_now() + (double)milliseconds / 1000 : -1;
}

void tk_watch_step(tk_engine *engine) {
  tk_sigpipe signals;
  tk_sigpipe_block(engine, &signals);
  tk_engine_expire(engine, HUGE_VAL);
  perform(engine);
  tk_streams_go_on(engine, 1);
  tk_watch_settle(engine);
  tk_sigpipe_restore(&signals);
}

void tk_watch_wait(tk_engine *engine, double seconds) {
  struct curl_waitfd wanted[TK_MOST_STREAMS];
  unsigned count = tk_streams_wanted(engine, wanted);
  double next = tk_engine_timeout(engine);
  double milliseconds = (next >= 0 && next < seconds ? next : seconds) * 1000 + 0.999;
  (void)curl_multi_poll(engine->multi, wanted, count,
                        milliseconds > (double)INT_MAX ? INT_MAX : milliseconds > 0 ? (int)milliseconds : 0, NULL);
  tk_watch_step(engine);
}

#endif
