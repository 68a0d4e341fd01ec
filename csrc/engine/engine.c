/* The engine's life: it checks and copies the options, steps the transfers, and frees everything at the end. */
#define _DEFAULT_SOURCE

#include "engine/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- making ---- */

static char *copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *result = (char *)malloc(size);
  if (result != NULL) memcpy(result, text, size);
  return result;
}

/* A line break in one of these would start a new header line in the request. */
static int is_one_line(const char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) return 0;
  return 1;
}

static const char *options_problem(const tk_options *options, int *plain) {
  const char *problem = tk_origin_problem(options->base_url, options->allow_http, plain);
  if (problem != NULL) return problem;
  if ((options->username == NULL) != (options->password == NULL)) return "username: expected together with password";
  if (options->username != NULL && strchr(options->username, ':') != NULL) return "username: expected no colon";
  if (options->username != NULL && !is_one_line(options->username)) return "username: expected no control characters";
  if (options->password != NULL && !is_one_line(options->password)) return "password: expected no control characters";
  if (options->user_agent != NULL && !is_one_line(options->user_agent))
    return "user_agent: expected no control characters";
  if (options->proxy != NULL && (problem = tk_proxy_problem(options->proxy)) != NULL) return problem;
  if (!(options->connect_timeout > 0)) return "connect_timeout: expected a positive number of seconds";
  if (options->http2 && (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) == 0)
    return "http2: this libcurl was built without HTTP/2";
  return NULL;
}

static int copy_headers(tk_engine *engine, const tk_options *options, char message[TK_MESSAGE_SIZE]) {
  static const char *const no_expect = "Expect:"; /* keeps libcurl from adding `Expect: 100-continue` */
  static const char *const json = "Content-Type: application/json";
  const char *bad = NULL;
  engine->headers = curl_slist_append(NULL, no_expect);
  if (engine->headers == NULL) return 0;
  if (!tk_headers_add(&engine->headers, options->headers, options->header_count, &bad)) {
    if (bad != NULL)
      snprintf(message, TK_MESSAGE_SIZE, "headers: expected names and values of a header, without line breaks");
    return 0;
  }
  if (options->user_agent != NULL && !tk_headers_name_agent(&engine->headers, options->user_agent)) return 0;
  if (!tk_headers_accept_gzip(&engine->headers)) return 0;
  if (options->username != NULL && !tk_headers_authorize(&engine->headers, options->username, options->password))
    return 0;
  return tk_headers_add(&engine->json_headers, &json, 1, &bad) &&
         tk_headers_copy(&engine->json_headers, engine->headers, 1);
}

/* http needs none of it, and tells of wrong files all the same. */
static int set_up_tls(tk_engine *engine, const tk_options *options, char message[TK_MESSAGE_SIZE]) {
  const tk_tls_files *files = &options->files;
  if (engine->plain && files->ca_file == NULL && files->cert_file == NULL && files->key_file == NULL) return 1;
  engine->tls = options->tls != NULL ? tk_tls_share(options->tls) : tk_tls_new(&options->files, message);
  if (engine->tls != NULL && !engine->plain) engine->trust = tk_tls_trust(engine->tls, message);
  return engine->tls != NULL && (engine->plain || engine->trust != NULL);
}

static int copy_options(tk_engine *engine, const tk_options *options, char message[TK_MESSAGE_SIZE]) {
  double milliseconds = options->connect_timeout * 1000;
  const char *proxy = options->proxy;
  engine->connect_timeout_ms = milliseconds < 1 ? 1 : milliseconds > (double)INT_MAX ? INT_MAX : (long)milliseconds;
  engine->max_response = options->max_response;
  engine->max_headers = options->max_headers;
  engine->http2 = options->http2;
  engine->base_url = copy(options->base_url);
  engine->base_path = tk_base_path(options->base_url);
  engine->url = curl_url();
  if (engine->base_url == NULL || engine->base_path == NULL || engine->url == NULL) return 0;
  if (curl_url_set(engine->url, CURLUPART_URL, engine->base_url, 0) != CURLUE_OK) return 0;
  if (!set_up_tls(engine, options, message)) return 0;
  /* Without a proxy in the environment libcurl would look for six variables for each request. */
  if (proxy == NULL && tk_environment_proxy() == NULL) proxy = "";
  if (proxy != NULL && (engine->proxy = copy(proxy)) == NULL) return 0;
  return copy_headers(engine, options, message);
}

/* CURLMOPT_QUICK_EXIT of libcurl 8.20, by its number: the headers may be older than the libcurl that is loaded. Without
   it, closing waits for a resolver that hangs. CURLOPT_QUICK_EXIT, which handles have as well, was enough before. An
   older libcurl refuses the number, and closing works all the same. */
#define QUICK_EXIT ((CURLMoption)21)

/* Making the first handle shows now, not at the first transfer, whether libcurl accepts the options. */
static int set_up_libcurl(tk_engine *engine) {
  CURL *easy;
  if ((engine->multi = curl_multi_init()) == NULL ||
      curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, (long)TK_IDLE_CONNECTIONS) != CURLM_OK ||
      (engine->share = curl_share_init()) == NULL ||
      curl_share_setopt(engine->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK ||
      (easy = tk_easy_get(engine)) == NULL)
    return 0;
  (void)curl_multi_setopt(engine->multi, QUICK_EXIT, 1L);
  tk_easy_put(engine, easy);
  return tk_watch_open(engine);
}

tk_engine *tk_engine_new(const tk_options *options, char message[TK_MESSAGE_SIZE]) {
  tk_engine *engine;
  int plain = 0, shortage = 0;
  const char *problem = options_problem(options, &plain);
  errno = 0;
  if (problem != NULL) {
    snprintf(message, TK_MESSAGE_SIZE, "%s", problem);
    return NULL;
  }
  snprintf(message, TK_MESSAGE_SIZE, "not enough memory");
  engine = (tk_engine *)calloc(1, sizeof *engine);
  if (engine == NULL) return NULL;
  engine->plain = plain;
  engine->pid = getpid();
  engine->curl_timer = engine->alarm = engine->armed = -1;
  engine->fd = engine->timer_fd = engine->event_fd = -1;
  if (copy_options(engine, options, message)) {
    if (set_up_libcurl(engine)) return engine;
    shortage = tk_shortage_found();
    if (shortage != 0) snprintf(message, TK_MESSAGE_SIZE, "%s", tk_shortage_name(shortage));
  }
  tk_engine_free(engine);
  errno = shortage;
  return NULL;
}

/* ---- ending ---- */

static int is_forked(const tk_engine *engine) { return engine->pid != getpid(); }

static void abandon_all(tk_engine *engine) {
  while (engine->first != NULL) tk_transfer_abandon(engine->first);
}

static void finish_all(tk_engine *engine, tk_reason reason, CURLcode code) {
  while (engine->first != NULL) tk_transfer_finish(engine->first, reason, code);
}

/* Called when the multi handle fails, usually because memory ran out. It cannot go on, so all transfers end. */
void tk_engine_broken(tk_engine *engine) {
  engine->broken = 1;
  tk_streams_end(engine);
  finish_all(engine, TK_MEMORY, CURLE_OUT_OF_MEMORY);
}

/* Not in a forked child: libcurl would send close messages on connections that the parent still uses. The child keeps
   libcurl's memory instead. */
static void free_libcurl(tk_engine *engine) {
  tk_sigpipe signals;
  tk_sigpipe_block(engine, &signals);
  finish_all(engine, TK_CLOSED, CURLE_ABORTED_BY_CALLBACK);
  tk_streams_end(engine);
  while (engine->idle_count > 0) curl_easy_cleanup(engine->idle[--engine->idle_count]);
  curl_multi_cleanup(engine->multi);
  curl_share_cleanup(engine->share);
  tk_sigpipe_restore(&signals);
}

void tk_engine_free(tk_engine *engine) {
  if (engine == NULL) return;
  if (is_forked(engine)) {
    abandon_all(engine);
    tk_streams_abandon(engine);
  } else {
    free_libcurl(engine);
  }
  while (tk_engine_finished(engine) != NULL) continue;
  tk_watch_close(engine);
  tk_headers_free(engine->headers);
  tk_headers_free(engine->json_headers);
  free(engine->deadlines);
  free(engine->sockets);
  if (engine->proxy != NULL) tk_wipe(engine->proxy, strlen(engine->proxy));
  free(engine->proxy);
  tk_trust_free(engine->trust);
  tk_tls_free(engine->tls);
  free(engine->base_path);
  curl_url_cleanup(engine->url);
  tk_buffer_free(&engine->target);
  free(engine->base_url);
  free(engine);
}

/* ---- moving ---- */

/* Ends the transfers that libcurl has finished. */
void tk_engine_reap(tk_engine *engine) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
    CURLcode code = message->data.result;
    char *transfer = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    if (engine->streams != NULL && tk_stream_connected(engine, message->easy_handle, code)) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    tk_transfer_completed((tk_transfer *)(void *)transfer, code);
  }
}

/* While there is no connection to find, libcurl need not look for one. It would look at the transfers in flight, one by
   one: 50 µs for two hundred that wait for a name. */
static void spare_search(const tk_engine *engine, CURL *easy) {
  if (engine->connections == 0 && !engine->http2) (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* Gives the multi handle up to `count` of the transfers that it does not have yet. */
void tk_engine_release(tk_engine *engine, int count) {
  for (; count > 0 && engine->held_back != NULL; count--) {
    tk_transfer *transfer = engine->held_back;
    engine->held_back = transfer->next;
    spare_search(engine, transfer->easy);
    transfer->is_added = curl_multi_add_handle(engine->multi, transfer->easy) == CURLM_OK;
    if (!transfer->is_added) tk_transfer_finish(transfer, TK_MEMORY, CURLE_OUT_OF_MEMORY);
  }
}

/* Ends the transfers whose deadline has passed, and clears the host's alarm if it is due. We keep the deadlines
   ourselves because libcurl does not keep its timeout in every state. Ends at least one transfer; at `until` it leaves
   the rest to the next step. */
void tk_engine_expire(tk_engine *engine, double until) {
  double now = tk_now();
  if (engine->alarm >= 0 && engine->alarm <= now) engine->alarm = -1;
  while (engine->in_flight > 0 && engine->deadlines[0]->deadline <= now) {
    tk_transfer_finish(engine->deadlines[0], TK_DEADLINE, CURLE_OPERATION_TIMEDOUT);
    if ((now = tk_now()) >= until) return;
  }
}

/* When the next of libcurl's timer, the alarm and the deadlines is due, on tk_now's clock; negative: none. */
double tk_engine_next(const tk_engine *engine) {
  double next = engine->curl_timer;
  if (engine->alarm >= 0 && (next < 0 || engine->alarm < next)) next = engine->alarm;
  if (engine->in_flight > 0) {
    double deadline = engine->deadlines[0]->deadline;
    if (next < 0 || deadline < next) next = deadline;
  }
  return next;
}

int tk_engine_usable(const tk_engine *engine) { return !engine->broken && !is_forked(engine); }

int tk_engine_pending(const tk_engine *engine) { return engine->in_flight; }

int tk_engine_fd(const tk_engine *engine) { return engine->fd; }

double tk_engine_timeout(const tk_engine *engine) {
  double next = tk_engine_next(engine), now;
  if (engine->due || engine->held_back != NULL || engine->streams_due) return 0;
  if (next < 0) return -1;
  now = tk_now();
  return next > now ? next - now : 0;
}

int tk_engine_step(tk_engine *engine) {
  if (is_forked(engine)) abandon_all(engine);
  else if (!engine->broken) tk_watch_step(engine);
  return engine->in_flight;
}

int tk_engine_wait(tk_engine *engine, double seconds) {
  int idle = engine->in_flight == 0 && engine->alarm < 0 && engine->streams == NULL;
  if (idle || !tk_engine_usable(engine)) return tk_engine_step(engine);
  tk_watch_wait(engine, seconds);
  return engine->in_flight;
}

tk_transfer *tk_engine_finished(tk_engine *engine) {
  tk_transfer *transfer = engine->first_done;
  if (transfer != NULL) tk_transfer_forget_end(transfer);
  return transfer;
}

void tk_engine_alarm(tk_engine *engine, double when) {
  engine->alarm = when;
  if (tk_engine_usable(engine)) tk_watch_settle(engine);
}
