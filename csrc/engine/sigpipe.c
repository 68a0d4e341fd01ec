/*
 * Blocks SIGPIPE while libcurl runs. With CURLOPT_NOSIGNAL libcurl does not do this itself, and TLS libraries may
 * write without MSG_NOSIGNAL. The host would be killed when a server closes a connection.
 */
#define _POSIX_C_SOURCE 200809L

#include "engine/internal.h"

#ifdef _WIN32

/* Windows has no such signal. */
void tk_sigpipe_block(const tk_engine *engine, tk_sigpipe *state) { (void)engine, state->ours = 0; }
void tk_sigpipe_restore(const tk_sigpipe *state) { (void)state; }

#else

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
  /* Without TLS only libcurl writes, and it uses this flag. Not blocking saves three system calls a step. */
  state->ours = 0;
  if (engine->plain && !engine->has_tls_stream) return;
#else
  (void)engine;
#endif
  only_sigpipe(&set);
  state->ours = pthread_sigmask(SIG_BLOCK, &set, &before) == 0 && !sigismember(&before, SIGPIPE);
}

/* SIGPIPE was not blocked before, so a pending one came from libcurl's writes. It is taken before unblocking. */
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

#endif
