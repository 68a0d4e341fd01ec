/* libcurl's easy handles, and the callbacks that take an answer. The options that all requests share are set once,
   when a handle is made; each transfer sets the others. Idle handles are kept for the next transfers. */
#include "engine/internal.h"

#include <stdint.h>
#include <string.h>

/* What a callback returns after it has tried to append `count` bytes. Any other number than `count` makes libcurl end
   the transfer, and transfer->overflow then holds the reason. */
static size_t taken(tk_transfer *transfer, tk_append appended, size_t count, int in_headers) {
  if (appended == TK_APPENDED) return count;
  transfer->overflow = appended;
  transfer->overflow_in_headers = in_headers;
  return count == 0 ? 1 : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data) {
  tk_transfer *transfer = (tk_transfer *)data;
  size_t limit = transfer->engine->max_response;
  (void)size; /* always 1, CURLOPT_WRITEFUNCTION(3) */
  return taken(transfer, tk_buffer_append(&transfer->answer_body, bytes, count, limit), count, 0);
}

/* "HTTP/1.1 200 OK" -> 200; 0 if there are no three digits. */
static long status_of(const char *line, size_t count) {
  size_t i = 5;
  long status = 0;
  int digits = 0;
  while (i < count && line[i] != ' ') i++;
  for (i++; i < count && digits < 3 && line[i] >= '0' && line[i] <= '9'; i++, digits++)
    status = status * 10 + (line[i] - '0');
  return digits == 3 ? status : 0;
}

/* libcurl passes the header lines of every answer, interim (1xx) ones included. Each status line drops the headers
   before it, so those of the final answer remain. max_headers counts all lines, so a server that sends interim answers
   without end is stopped too. */
static size_t on_header(char *line, size_t size, size_t count, void *data) {
  tk_transfer *transfer = (tk_transfer *)data;
  size_t limit = transfer->engine->max_headers;
  (void)size;
  if (count <= 2) transfer->in_head = 0;
  if (count > limit - transfer->header_bytes) return taken(transfer, TK_OVER_LIMIT, count, 1);
  transfer->header_bytes += count;
  if (count > 5 && strncmp(line, "HTTP/", 5) == 0) {
    long status = status_of(line, count);
    tk_buffer_clear(&transfer->answer_headers);
    transfer->result.status = status >= 200 ? status : 0;
    transfer->in_head = 1;
    return count;
  }
  return taken(transfer, tk_buffer_append(&transfer->answer_headers, line, count, limit), count, 1);
}

#define SET(option, value) \
  do { \
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) return 0; \
  } while (0)

static int set_security(CURL *easy, const tk_engine *engine) {
#if LIBCURL_VERSION_NUM >= 0x075500
  SET(CURLOPT_PROTOCOLS_STR, engine->plain ? "http" : "https");
#else
  SET(CURLOPT_PROTOCOLS, engine->plain ? (long)CURLPROTO_HTTP : (long)CURLPROTO_HTTPS);
#endif
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  if (engine->trust != NULL && !(tk_trust_set(easy, engine->trust) && tk_tls_set(easy, engine->tls))) return 0;
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* our headers, with the key, do not go to a proxy */
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  /* Over http the key is not encrypted. So no proxy gets it, whatever the environment says. */
  if (engine->plain) {
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, ""); /* else libcurl asks the environment for it, for each request */
  } else if (engine->proxy != NULL) {
    SET(CURLOPT_PROXY, engine->proxy);
    SET(CURLOPT_NOPROXY, "");
  }
  return 1;
}

/* Milliseconds after which libcurl tries another address beside a connection that is not ready. libcurl looks at once
   at all connections whose time has come, and goes on with each handshake that was answered: 33 ms of CPU for 64
   connections that were started together. So each handle has a time of its own, which makes it 3 ms. */
#define SECOND_LOOK 200L
#define SECOND_LOOK_APART 4L

static int set_connection(CURL *easy, tk_engine *engine) {
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_CONNECTTIMEOUT_MS, engine->connect_timeout_ms);
  SET(CURLOPT_TCP_NODELAY, 1L);
  SET(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, SECOND_LOOK + SECOND_LOOK_APART * (long)(engine->easies_made++ % 64));
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_MAXAGE_CONN, 20L); /* the longer a connection idles, the likelier the server closes it under a request */
  SET(CURLOPT_HTTP_VERSION, engine->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  SET(CURLOPT_PIPEWAIT, engine->http2 ? 1L : 0L);
#if LIBCURL_VERSION_NUM >= 0x075700
  SET(CURLOPT_QUICK_EXIT, 1L); /* without it, ending a transfer waits for its resolver thread, for seconds */
#endif
  /* Measured: the smaller upload buffer takes a transfer over TLS from 128 KB to 80 KB. Answers are short, so a
     smaller receive buffer costs no time and saves 12 KB more. */
  SET(CURLOPT_BUFFERSIZE, 4096L);
  SET(CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
  SET(CURLOPT_SHARE, engine->share);
  SET(CURLOPT_OPENSOCKETFUNCTION, tk_open_socket);
  SET(CURLOPT_CLOSESOCKETFUNCTION, tk_close_socket);
  SET(CURLOPT_CLOSESOCKETDATA, engine);
  return 1;
}

static int set_common(CURL *easy, tk_engine *engine) {
  if (!set_security(easy, engine) || !set_connection(easy, engine)) return 0;
  /* The parsed URL saves libcurl parsing it for each request, the text saves printing it: 3 % of an action's
     instructions. */
  SET(CURLOPT_URL, engine->base_url);
  SET(CURLOPT_CURLU, engine->url);
  SET(CURLOPT_ACCEPT_ENCODING, ""); /* libcurl decompresses, so max_response limits the decompressed bytes */
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_PREREQFUNCTION, tk_guard);
  return 1;
}

/* An easy handle with all shared options set; the caller gives it back with tk_easy_put. NULL: no memory. */
CURL *tk_easy_get(tk_engine *engine) {
  CURL *easy;
  if (engine->idle_count > 0) return engine->idle[--engine->idle_count];
  easy = curl_easy_init();
  if (easy != NULL && !set_common(easy, engine)) {
    curl_easy_cleanup(easy);
    easy = NULL;
  }
  return easy;
}

/* Takes a handle back, which must be out of the multi handle. Some of its options still point into the old transfer;
   libcurl does not read them before the next transfer sets them. */
void tk_easy_put(tk_engine *engine, CURL *easy) {
  if (engine->idle_count < TK_IDLE_HANDLES && curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL) == CURLE_OK)
    engine->idle[engine->idle_count++] = easy;
  else
    curl_easy_cleanup(easy);
}

/* Sets the path and query by CURLOPT_REQUEST_TARGET; the URL stays base_url. libcurl parses and prints the URL for
   each request, byte by byte, so a short one saves time. */
static int set_target(CURL *easy, tk_engine *engine, const char *target) {
  tk_buffer *whole = &engine->target;
  tk_buffer_clear(whole);
  if (tk_buffer_append(whole, engine->base_path, strlen(engine->base_path), SIZE_MAX) != TK_APPENDED ||
      tk_buffer_append(whole, target, strlen(target) + 1, SIZE_MAX) != TK_APPENDED)
    return 0;
  return curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, whole->data) == CURLE_OK; /* copied */
}

/* Prepares the handle for the certificates that are trusted now. They may have changed since it was made. */
int tk_easy_trust(tk_transfer *transfer) {
  const tk_trust *trust = transfer->engine->trust;
  transfer->outdated = 0;
  transfer->trust_age = trust == NULL ? 0 : tk_trust_age(trust);
  return transfer->trust_age == 0 || tk_trust_mark(transfer->easy, trust);
}

/* Sets the options that differ between transfers. 0: no memory. */
int tk_easy_prepare(tk_transfer *transfer, const tk_request *request) {
  CURL *easy = transfer->easy;
  tk_engine *engine = transfer->engine;
  if (!set_target(easy, engine, request->target) || !tk_easy_trust(transfer)) return 0;
  if (!transfer->has_body && strcmp(transfer->method, "GET") == 0) {
    SET(CURLOPT_HTTPGET, 1L);
    SET(CURLOPT_CUSTOMREQUEST, NULL);
  } else if (strcmp(transfer->method, "HEAD") == 0) {
    SET(CURLOPT_NOBODY, 1L); /* the other branches' options turn it off again */
    SET(CURLOPT_CUSTOMREQUEST, NULL);
  } else if (!transfer->has_body && strcmp(transfer->method, "DELETE") == 0) {
    SET(CURLOPT_HTTPGET, 1L);
    SET(CURLOPT_CUSTOMREQUEST, transfer->method);
  } else {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, transfer->request_body.size > 0 ? transfer->request_body.data : "");
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->request_body.size);
    SET(CURLOPT_CUSTOMREQUEST, transfer->method);
  }
  if (transfer->own_headers != NULL) SET(CURLOPT_HTTPHEADER, transfer->own_headers);
  else SET(CURLOPT_HTTPHEADER, request->is_json ? engine->json_headers : engine->headers);
  SET(CURLOPT_WRITEDATA, transfer);
  SET(CURLOPT_HEADERDATA, transfer);
  SET(CURLOPT_PREREQDATA, transfer);
  SET(CURLOPT_OPENSOCKETDATA, transfer);
  SET(CURLOPT_PRIVATE, transfer);
  SET(CURLOPT_ERRORBUFFER, transfer->error);
  return 1;
}
