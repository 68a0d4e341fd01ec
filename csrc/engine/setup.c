/* What is the same for all engines of a process: libcurl's initialisation, the clock, and sleeping. */
#define _GNU_SOURCE /* dladdr, RTLD_NODELETE */

#include "engine/internal.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include <pthread.h>
#include <time.h>

static pthread_once_t setup_once = PTHREAD_ONCE_INIT;
static const char *setup_problem; /* written inside pthread_once only */

/* Keeps this library, and so libcurl, loaded until the process ends. Lua unloads C modules when a state is closed, but
   libcurl's resolver threads may still be running. If it fails, only this protection is missing. */
static void pin(void) {
#ifdef _WIN32
  HMODULE module;
  (void)GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                           (const char *)&setup_once, &module);
#else
  Dl_info info;
  if (dladdr((void *)&setup_once, &info) != 0 && info.dli_fname != NULL)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}

static void setup(void) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  if (info->version_num < 0x075000)
    setup_problem = "timekit needs libcurl 7.80.0 or newer; the one this process has loaded is older";
  else if ((info->features & CURL_VERSION_SSL) == 0)
    setup_problem = "timekit needs a libcurl with TLS";
  else if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    setup_problem = "libcurl could not be initialised";
  else if (!tk_trust_setup())
    setup_problem = "OpenSSL could not be initialised";
  else
    pin();
}

/* libcurl is never cleaned up, because other Lua states and other users in this process may still need it. */
const char *tk_setup(void) {
  if (pthread_once(&setup_once, setup) != 0) return "libcurl could not be initialised";
  return setup_problem;
}

void tk_sleep(double seconds) {
  struct timespec left;
  double whole = seconds < 1e9 ? seconds : 1e9;
  left.tv_sec = (time_t)whole;
  left.tv_nsec = (long)((whole - (double)left.tv_sec) * 1e9);
  (void)nanosleep(&left, NULL);
}

double tk_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
