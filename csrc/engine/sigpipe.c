/*
 * SIGPIPE around calls into libcurl. With CURLOPT_NOSIGNAL libcurl leaves the signal to us, and some
 * TLS backends write without MSG_NOSIGNAL; a host must not die because a server hung up.
 */
#define _POSIX_C_SOURCE 200809L

#include "engine/engine_internal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

static void only_sigpipe(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGPIPE);
}

void tk_sigpipe_block(const tk_engine *engine, tk_sigpipe *state) {
  sigset_t set, before;
#ifdef MSG_NOSIGNAL
  /* libcurl sends with that flag; it is TLS libraries that may write by other means. It saves three system calls each time. */
  state->ours = 0;
  if (engine->plain) return;
#else
  (void)engine;
#endif
  only_sigpipe(&set);
  state->ours = pthread_sigmask(SIG_BLOCK, &set, &before) == 0 && !sigismember(&before, SIGPIPE);
}

/* A SIGPIPE that came meanwhile is ours: it was not blocked before, so none was pending. */
void tk_sigpipe_restore(const tk_sigpipe *state) {
  sigset_t set, pending;
  if (!state->ours) return;
  only_sigpipe(&set);
  if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE)) {
#ifdef __linux__
    const struct timespec at_once = {0, 0};
    (void)sigtimedwait(&set, NULL, &at_once);
#else
    int signal_number;
    (void)sigwait(&set, &signal_number);
#endif
  }
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
