/* A transfer's life: it starts, may restart on a new connection, and ends exactly once. */
#include "engine/internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the result ---- */

/* Replaces a text of libcurl's that may hold a part of a proxy's password. libcurl quotes a proxy as a whole. If it
   cannot read a proxy, its text may also name a part of the password as the host or the port. */
static void hide_proxy(const tk_engine *engine, CURLcode code, char *text) {
  const char *proxy = engine->proxy != NULL ? engine->proxy : tk_environment_proxy();
  const char *at, *problem;
  char start[100];
  if (engine->plain || proxy == NULL || (at = strrchr(proxy, '@')) == NULL) return;
  snprintf(start, sizeof start, "%.*s", (int)(at - proxy), proxy);
  problem = tk_proxy_problem(proxy);
  if (problem != NULL)
    snprintf(text, CURL_ERROR_SIZE, "%s (in the environment: %s)", curl_easy_strerror(code), problem);
  else if (strstr(text, start) != NULL)
    snprintf(text, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
}

/* %g is not used, because it writes the decimal point of the locale. */
static void put_late(char *text, double seconds) {
  long long milliseconds = (long long)((seconds < 1e12 ? seconds : 1e12) * 1000 + 0.5);
  char fraction[8] = "";
  size_t size;
  if (milliseconds % 1000 != 0) snprintf(fraction, sizeof fraction, ".%03d", (int)(milliseconds % 1000));
  for (size = strlen(fraction); size > 0 && fraction[size - 1] == '0'; size--) fraction[size - 1] = '\0';
  snprintf(text, CURL_ERROR_SIZE, "no complete answer within %lld%s seconds", milliseconds / 1000, fraction);
}

static void one_line(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = ' ';
}

/* Adds to the text what has run out, if that is the reason. */
static void add_shortage(tk_transfer *transfer, CURLcode code) {
  char *text = transfer->error;
  const char *name = NULL;
  size_t size = strlen(text), room;
  if (code == CURLE_COULDNT_CONNECT)
    name = tk_shortage_name(transfer->shortage);
  else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_OUT_OF_MEMORY)
    name = tk_shortage_name(tk_shortage_found());
  if (name == NULL) return;
  room = sizeof transfer->error - strlen(name) - sizeof " ()";
  if (size > room) size = room;
  sprintf(text + size, " (%s)", name);
}

/* Sets the result's text. For TK_CURL libcurl has written it to transfer->error already, or left that empty. */
static void explain(tk_transfer *transfer, tk_reason reason, CURLcode code) {
  const tk_engine *engine = transfer->engine;
  char *text = transfer->error;
  switch (reason) {
    case TK_OK: text[0] = '\0'; break;
    case TK_CURL:
      if (text[0] == '\0') snprintf(text, sizeof transfer->error, "%s", curl_easy_strerror(code));
      if (code == CURLE_SSL_CACERT_BADFILE && engine->trust != NULL)
        tk_trust_explain(engine->trust, text, sizeof transfer->error);
      hide_proxy(engine, code, text);
      add_shortage(transfer, code);
      break;
    case TK_DEADLINE: put_late(text, transfer->timeout); break;
    case TK_CANCELLED: strcpy(text, "cancelled"); break;
    case TK_BODY_LIMIT:
      snprintf(text, sizeof transfer->error, "the answer's body is larger than %zu bytes", engine->max_response);
      break;
    case TK_HEADER_LIMIT:
      if (transfer->overflow == TK_OVER_LIMIT)
        snprintf(text, sizeof transfer->error, "the answer's headers are larger than %zu bytes", engine->max_headers);
      else
        strcpy(text, "the answer's headers are larger than libcurl takes");
      break;
    case TK_RESEND: strcpy(text, "the connection was lost after the request had been sent"); break;
    case TK_MEMORY:
      strcpy(text, "not enough memory");
      add_shortage(transfer, code);
      break;
    case TK_CLOSED: strcpy(text, "the client was closed"); break;
  }
  one_line(text);
  transfer->result.text = text;
}

static double seconds(CURL *easy, CURLINFO info) {
  curl_off_t microseconds = 0;
  if (curl_easy_getinfo(easy, info, &microseconds) != CURLE_OK) return 0;
  return (double)microseconds / 1e6;
}

static int http_version(CURL *easy) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  switch (version) {
    case CURL_HTTP_VERSION_1_0: return 10;
    case CURL_HTTP_VERSION_1_1: return 11;
    case CURL_HTTP_VERSION_2_0: return 20;
    case CURL_HTTP_VERSION_3: return 30;
    default: return 0;
  }
}

static long bytes_written(CURL *easy) {
  long size = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &size);
  return size;
}

/* libcurl counts a proxy's CONNECT request as written, too. So the guard's count comes first: it shows whether libcurl
   had reached our own request. */
static tk_sent sent(const tk_transfer *transfer) {
  if (transfer->result.status != 0) return TK_SENT_YES;
  if (transfer->guard_calls == 0 || bytes_written(transfer->easy) == 0) return TK_SENT_NO;
  return TK_SENT_MAYBE;
}

/* Fills the result. The easy handle still holds what libcurl knows, and answer_headers and answer_body stay in
   place. */
static void report(tk_transfer *transfer, tk_reason reason, CURLcode code) {
  tk_result *result = &transfer->result;
  CURL *easy = transfer->easy;
  result->sent = sent(transfer);
  result->reason = reason;
  result->code = (int)code;
  result->headers = transfer->answer_headers.data;
  result->headers_size = transfer->answer_headers.size;
  result->body = transfer->answer_body.data;
  result->body_size = transfer->answer_body.size;
  result->body_capacity = transfer->answer_body.capacity;
  result->http_version = result->status != 0 ? http_version(easy) : 0;
  if (transfer->is_added) {
    result->times.name_lookup = seconds(easy, CURLINFO_NAMELOOKUP_TIME_T);
    result->times.connect = seconds(easy, CURLINFO_CONNECT_TIME_T);
    result->times.tls = seconds(easy, CURLINFO_APPCONNECT_TIME_T);
    result->times.first_byte = seconds(easy, CURLINFO_STARTTRANSFER_TIME_T);
  }
  result->times.total = tk_now() - transfer->began; /* libcurl's own total is wrong for a transfer that we stop */
  explain(transfer, reason, code);
}

/* ---- the lists of an engine's transfers ---- */

static void append(tk_transfer *transfer, tk_transfer **first, tk_transfer **last) {
  transfer->next = NULL;
  transfer->previous = *last;
  if (*last != NULL) (*last)->next = transfer;
  else *first = transfer;
  *last = transfer;
}

static void take_out(tk_transfer *transfer, tk_transfer **first, tk_transfer **last) {
  if (transfer->previous != NULL) transfer->previous->next = transfer->next;
  else *first = transfer->next;
  if (transfer->next != NULL) transfer->next->previous = transfer->previous;
  else *last = transfer->previous;
}

/* ---- the end ---- */

/* Moves a transfer from the engine's list of those in flight to its list of ended ones. */
static void unlink_transfer(tk_transfer *transfer) {
  tk_engine *engine = transfer->engine;
  tk_socket_leave(transfer);
  if (engine->held_back == transfer) engine->held_back = transfer->next;
  take_out(transfer, &engine->first, &engine->last);
  engine->in_flight--;
  tk_deadline_remove(engine, transfer);
  transfer->engine = NULL;
  transfer->easy = NULL;
  transfer->done_in = engine;
  append(transfer, &engine->first_done, &engine->last_done);
}

void tk_transfer_forget_end(tk_transfer *transfer) {
  tk_engine *engine = transfer->done_in;
  if (engine == NULL) return;
  take_out(transfer, &engine->first_done, &engine->last_done);
  transfer->done_in = NULL;
}

/* Frees what only sending needed. A transfer may be kept for long after its end. */
static void drop_request(tk_transfer *transfer) {
  tk_headers_free(transfer->own_headers);
  transfer->own_headers = NULL;
  tk_buffer_free(&transfer->request_body);
}

void tk_transfer_finish(tk_transfer *transfer, tk_reason reason, CURLcode code) {
  tk_engine *engine = transfer->engine;
  CURL *easy = transfer->easy;
  report(transfer, reason, code);
  curl_multi_remove_handle(engine->multi, easy);
  unlink_transfer(transfer);
  tk_easy_put(engine, easy);
  drop_request(transfer);
}

/* Ends a transfer in a forked child. The connection belongs to the parent, and only the parent will learn the outcome.
   libcurl is not called, because it would write to the parent's connection; its memory stays allocated. */
void tk_transfer_abandon(tk_transfer *transfer) {
  transfer->result.reason = TK_CLOSED;
  transfer->result.code = CURLE_ABORTED_BY_CALLBACK;
  transfer->result.sent = TK_SENT_MAYBE;
  strcpy(transfer->error, "the transfer belongs to the process that started it");
  transfer->result.text = transfer->error;
  unlink_transfer(transfer);
}

/* Starts the same transfer again on a new connection. Only allowed because nothing was written in the try that ended.
   0: no memory. */
static int restart(tk_transfer *transfer) {
  CURLM *multi = transfer->engine->multi;
  curl_multi_remove_handle(multi, transfer->easy);
  tk_socket_leave(transfer);
  tk_buffer_clear(&transfer->answer_headers);
  tk_buffer_clear(&transfer->answer_body);
  transfer->error[0] = '\0';
  transfer->guard_calls = 0;
  transfer->stale = 0;
  transfer->result.restarts++;
  transfer->began = tk_now();
  return tk_easy_trust(transfer) && curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
         curl_multi_add_handle(multi, transfer->easy) == CURLM_OK;
}

/* Have the trusted certificates changed since the transfer was prepared? Then its try ends, and tk_transfer_completed
   starts another one. */
int tk_transfer_is_outdated(tk_transfer *transfer) {
  transfer->outdated = transfer->trust_age != tk_trust_age(transfer->engine->trust);
  return transfer->outdated;
}

/* CURLE_TOO_LARGE by its number: the headers may be older than the libcurl that is loaded. */
#define TOO_LARGE 100

static tk_reason reason_of(const tk_transfer *transfer, CURLcode code) {
  if (transfer->overflow == TK_NO_MEMORY) return TK_MEMORY;
  if (transfer->overflow == TK_OVER_LIMIT) return transfer->overflow_in_headers ? TK_HEADER_LIMIT : TK_BODY_LIMIT;
  if (transfer->resend) return TK_RESEND;
  /* libcurl has limits of its own: a line of about 100 KB, and in newer versions 300 KB and 5,000 lines. Before 8.6 it
     reports a line above its limit as out of memory. */
  if (transfer->in_head && (code == CURLE_OUT_OF_MEMORY || code == TOO_LARGE)) return TK_HEADER_LIMIT;
  if (code == CURLE_OUT_OF_MEMORY) return TK_MEMORY;
  return code == CURLE_OK ? TK_OK : TK_CURL;
}

/* Has the connection failed, and not only this transfer's part of it? */
static int is_of_connection(CURLcode code) {
  return code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_HTTP2;
}

/* libcurl has finished the transfer, with `code`. */
void tk_transfer_completed(tk_transfer *transfer, CURLcode code) {
  if (transfer->engine->http2 && is_of_connection(code)) tk_socket_abandon(transfer);
  if ((transfer->stale || transfer->outdated) && sent(transfer) == TK_SENT_NO) {
    if (restart(transfer)) return;
    code = CURLE_OUT_OF_MEMORY;
  }
  if (transfer->late) {
    tk_transfer_finish(transfer, TK_DEADLINE, CURLE_OPERATION_TIMEDOUT);
    return;
  }
  /* libcurl is content, after 101 for instance, but there is no final answer to the request. */
  if (code == CURLE_OK && transfer->result.status == 0) code = CURLE_WEIRD_SERVER_REPLY;
  tk_transfer_finish(transfer, reason_of(transfer, code), code);
}

/* ---- the start ---- */

static int is_method(const char *method) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  size_t i;
  for (i = 0; i < sizeof methods / sizeof *methods; i++)
    if (strcmp(method, methods[i]) == 0) return 1;
  return 0;
}

/* Visible ASCII only. libcurl refuses control characters, but it would send spaces. */
static int is_target(const char *target) {
  const char *c;
  for (c = target; *c != '\0'; c++)
    if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '#') return 0;
  return target[0] == '/';
}

static const char *request_problem(const tk_request *request) {
  if (!is_method(request->method)) return "method: expected GET, HEAD, POST, PUT, PATCH or DELETE";
  if (!is_target(request->target)) return "target: expected a percent-encoded path that starts with '/'";
  if (request->body != NULL && request->method[0] == 'G') return "body: a GET has none";
  if (request->body != NULL && request->method[0] == 'H') return "body: a HEAD has none";
  if (!(request->timeout > 0)) return "timeout: expected a positive number of seconds";
  return NULL;
}

/* Copies what the request points to into the transfer. 0 on failure, with the reason in `message`. */
static int copy_request(tk_transfer *transfer, const tk_request *request, char message[TK_MESSAGE_SIZE]) {
  const tk_engine *engine = transfer->engine;
  size_t count = request->is_json ? 0 : request->header_count;
  const char *bad = NULL;
  strcpy(message, "not enough memory");
  strcpy(transfer->method, request->method);
  transfer->has_body = request->body != NULL;
  if (transfer->has_body && !tk_buffer_fill(&transfer->request_body, request->body, request->body_size)) return 0;
  if (!request->is_anonymous && count == 0) return 1;
  if (!tk_headers_add(&transfer->own_headers, request->headers, count, &bad)) {
    if (bad != NULL) strcpy(message, "headers: expected names and values of a header, without line breaks");
    return 0;
  }
  return tk_headers_copy(&transfer->own_headers, request->is_json ? engine->json_headers : engine->headers,
                         !request->is_anonymous);
}

static void link_transfer(tk_engine *engine, tk_transfer *transfer) {
  tk_deadline_add(engine, transfer);
  append(transfer, &engine->first, &engine->last);
  if (engine->held_back == NULL) engine->held_back = transfer;
  engine->in_flight++;
}

/* Frees a transfer that is not linked to an engine. */
static void free_unlinked(tk_transfer *transfer) {
  drop_request(transfer);
  tk_buffer_free(&transfer->answer_headers);
  tk_buffer_free(&transfer->answer_body);
  free(transfer);
}

tk_transfer *tk_transfer_start(tk_engine *engine, const tk_request *request, char message[TK_MESSAGE_SIZE]) {
  const char *problem = tk_engine_usable(engine) ? request_problem(request) : "the engine is not usable any more";
  tk_transfer *transfer;
  tk_sigpipe signals;
  if (problem != NULL) {
    snprintf(message, TK_MESSAGE_SIZE, "%s", problem);
    return NULL;
  }
  strcpy(message, "not enough memory");
  transfer = (tk_transfer *)calloc(1, sizeof *transfer);
  if (transfer == NULL) return NULL;
  transfer->engine = engine;
  transfer->tag = request->tag;
  transfer->fd = CURL_SOCKET_BAD;
  transfer->timeout = request->timeout;
  transfer->began = tk_now();
  transfer->deadline = transfer->began + request->timeout;
  if (!copy_request(transfer, request, message) || !tk_deadline_reserve(engine) ||
      (transfer->easy = tk_easy_get(engine)) == NULL || !tk_easy_prepare(transfer, request)) {
    if (transfer->easy != NULL) tk_easy_put(engine, transfer->easy);
    free_unlinked(transfer);
    return NULL;
  }
  link_transfer(engine, transfer);
  /* A transfer that is alone is sent at once, which saves it a step. Further ones are sent together in the next
     step. */
  if (engine->in_flight == 1) {
    tk_sigpipe_block(engine, &signals);
    tk_watch_started(engine);
    tk_sigpipe_restore(&signals);
  }
  tk_watch_settle(engine);
  return transfer;
}

/* ---- the other public functions ---- */

void *tk_transfer_tag(const tk_transfer *transfer) { return transfer->tag; }

int tk_transfer_done(const tk_transfer *transfer) { return transfer->engine == NULL; }

const tk_result *tk_transfer_result(const tk_transfer *transfer) {
  return transfer->engine == NULL ? &transfer->result : NULL;
}

void tk_transfer_cancel(tk_transfer *transfer) {
  tk_engine *engine = transfer->engine;
  tk_sigpipe signals;
  if (engine == NULL) return;
  if (engine->pid != getpid()) {
    tk_transfer_abandon(transfer);
    return;
  }
  tk_sigpipe_block(engine, &signals);
  tk_transfer_finish(transfer, TK_CANCELLED, CURLE_ABORTED_BY_CALLBACK);
  tk_watch_settle(engine);
  tk_sigpipe_restore(&signals);
}

void tk_transfer_free(tk_transfer *transfer) {
  if (transfer == NULL) return;
  tk_transfer_cancel(transfer);
  tk_transfer_forget_end(transfer);
  free_unlinked(transfer);
}
