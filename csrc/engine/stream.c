/* Streams: libcurl connects them, and its curl_easy_send and curl_easy_recv, which know about TLS, move the bytes. */
#define _DEFAULT_SOURCE

#include "engine/stream.h"

#include "engine/internal.h"
#include "engine/platform.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 16384

/* Bytes read in one step. The rest of a longer answer waits for the next step, because a game's frame cannot. */
#define READ_AT_ONCE (16 * CHUNK)

struct tk_stream {
  tk_engine *engine; /* NULL once the stream is over */
  tk_stream *next;   /* in the engine's list */
  CURL *easy;        /* in the multi handle until the stream is over, since libcurl would close the connection */
  tk_trust *trust;   /* NULL: no TLS */
  curl_socket_t fd;  /* CURL_SOCKET_BAD while it connects */
  tk_stream_state state;
  int is_local;      /* to a socket of this machine, by its path */
  int is_unread;     /* the last step has stopped before there was nothing left to read */
  size_t max_input;
  tk_buffer output;  /* bytes to send after those of `part` */
  char part[CHUNK];  /* bytes that are being sent */
  size_t part_size, part_sent;
  tk_buffer input;
  double written;
  const char *shortage; /* why no socket could be opened; NULL: there was one */
  char problem[CURL_ERROR_SIZE];
};

/* ---- the end ---- */

static void unlink_stream(tk_stream *stream) {
  tk_stream **link = &stream->engine->streams;
  while (*link != stream) link = &(*link)->next;
  *link = stream->next;
  stream->engine->stream_count--;
}

/* No socket is taken for this stream's any more: its number may be used again. */
static void forget_sockets(const tk_stream *stream, int is_forked) {
  tk_engine *engine = stream->engine;
  size_t fd;
  for (fd = 0; fd < engine->socket_count; fd++) {
    if (engine->sockets[fd].stream != stream) continue;
    engine->sockets[fd].stream = NULL;
    if (is_forked) (void)tk_socket_close((curl_socket_t)fd);
  }
}

/* In a forked child the engine's descriptors are the parent's as well: only memory changes. */
static void let_go(tk_stream *stream, const char *problem) {
  if (problem != stream->problem) snprintf(stream->problem, sizeof stream->problem, "%s", problem);
  unlink_stream(stream);
  stream->engine->streams_due = 1; /* the host's next step tells those who wait for it */
  stream->state = TK_STREAM_OVER;
  stream->fd = CURL_SOCKET_BAD;
  stream->engine = NULL;
  stream->easy = NULL;
  tk_buffer_free(&stream->output);
}

/* What came before the end can still be taken. */
static void end(tk_stream *stream, const char *problem) {
  forget_sockets(stream, 0);
  curl_easy_setopt(stream->easy, CURLOPT_ERRORBUFFER, NULL);
  curl_multi_remove_handle(stream->engine->multi, stream->easy);
  curl_easy_cleanup(stream->easy);
  let_go(stream, problem);
}

void tk_streams_end(tk_engine *engine) {
  while (engine->streams != NULL) end(engine->streams, "the client was closed");
}

/* In a forked child the connection is the parent's: libcurl would write a TLS close message to it. So libcurl is not
   called, and its memory stays allocated. */
static void abandon(tk_stream *stream) {
  forget_sockets(stream, 1);
  let_go(stream, "the connection belongs to the process that made it");
}

void tk_streams_abandon(tk_engine *engine) {
  while (engine->streams != NULL) abandon(engine->streams);
}

/* libcurl's message for a socket that it cannot connect to names a host and a port. */
static const char *socket_reason(const tk_stream *stream) {
  long error = 0;
  (void)curl_easy_getinfo(stream->easy, CURLINFO_OS_ERRNO, &error);
  switch (error) {
    case ENOENT: return "there is no socket at this path";
    case EACCES: return "no permission to connect to this socket";
    case ECONNREFUSED: return "no server listens on this socket";
    default: return "cannot connect to this socket";
  }
}

static const char *reason(const tk_stream *stream, CURLcode code) {
  if (stream->shortage != NULL) return stream->shortage;
  if (stream->is_local && code == CURLE_COULDNT_CONNECT) return socket_reason(stream);
  /* What libcurl says of a connection that the server has closed right after the handshake, as one does that wants a
     client's certificate. It keeps the first message only. */
  if (strncmp(stream->problem, "getpeername()", 13) == 0) return "the server closed the connection";
  return stream->problem[0] != '\0' ? stream->problem : curl_easy_strerror(code);
}

static int has_output(const tk_stream *stream) {
  return stream->part_sent < stream->part_size || stream->output.size > 0;
}

/* Takes bytes off the front. */
static void drop(tk_buffer *buffer, size_t size) {
  if (size < buffer->size) memmove(buffer->data, buffer->data + size, buffer->size - size);
  buffer->size -= size;
}

/* ---- moving bytes; the caller has blocked SIGPIPE ---- */

/* Sends what the kernel takes. 0: the stream is over. OpenSSL wants a write that it could not finish to be repeated with
   the same bytes at the same address, so they are sent from a place that does not move. */
static int flush(tk_stream *stream) {
  size_t taken = 0;
  for (;;) {
    size_t count = 0, left = stream->output.size - taken;
    CURLcode code;
    if (stream->part_sent == stream->part_size) {
      if (left == 0) break;
      stream->part_sent = 0;
      stream->part_size = left < CHUNK ? left : CHUNK;
      memcpy(stream->part, stream->output.data + taken, stream->part_size);
      taken += stream->part_size;
    }
    code = curl_easy_send(stream->easy, stream->part + stream->part_sent, stream->part_size - stream->part_sent, &count);
    if (code == CURLE_AGAIN || (code == CURLE_OK && count == 0)) break;
    if (code != CURLE_OK) {
      end(stream, reason(stream, code));
      return 0;
    }
    stream->part_sent += count;
    stream->written += (double)count;
  }
  drop(&stream->output, taken);
  if (tk_watch_stream(stream->engine, stream->fd, has_output(stream))) return 1;
  end(stream, "not enough memory");
  return 0;
}

/* TLS may hold bytes that the descriptor does not show, so it reads until nothing is left. */
static void fill(tk_stream *stream) {
  char chunk[CHUNK];
  size_t total = 0;
  stream->is_unread = 0;
  while (total < READ_AT_ONCE) {
    size_t count = 0;
    CURLcode code = curl_easy_recv(stream->easy, chunk, sizeof chunk, &count);
    if (code == CURLE_AGAIN) return;
    if (code != CURLE_OK || count == 0) {
      end(stream, code == CURLE_OK ? "the server closed the connection" : reason(stream, code));
      return;
    }
    switch (tk_buffer_append(&stream->input, chunk, count, stream->max_input)) {
      case TK_APPENDED: break;
      case TK_OVER_LIMIT: end(stream, "the answer is too large"); return;
      default: end(stream, "not enough memory"); return;
    }
    total += count;
  }
  stream->is_unread = stream->engine->streams_due = 1;
}

static void move(tk_stream *stream) {
  if (!has_output(stream) || flush(stream)) fill(stream);
}

void tk_stream_ready(tk_stream *stream) {
  if (stream->state == TK_STREAM_OPEN) move(stream);
}

void tk_streams_go_on(tk_engine *engine, int all) {
  tk_stream *stream = engine->streams, *next;
  engine->streams_due = 0;
  for (; stream != NULL; stream = next) {
    next = stream->next;
    if (stream->state == TK_STREAM_OPEN && (all || stream->is_unread)) move(stream);
  }
}

#if !TK_EPOLL
unsigned tk_streams_wanted(const tk_engine *engine, struct curl_waitfd wanted[TK_MOST_STREAMS]) {
  const tk_stream *stream;
  unsigned count = 0;
  for (stream = engine->streams; stream != NULL; stream = stream->next) {
    if (stream->state != TK_STREAM_OPEN) continue;
    wanted[count].fd = stream->fd;
    wanted[count].events = (short)(CURL_WAIT_POLLIN | (has_output(stream) ? CURL_WAIT_POLLOUT : 0));
    wanted[count++].revents = 0;
  }
  return count;
}
#endif

/* libcurl has connected the stream, or given it up. Reading at once attaches the connection to the handle again. Until
   then libcurl takes it for an idle one, and closes it when it clears those away. */
static void connected(tk_stream *stream, CURLcode code) {
  tk_socket *entry = NULL;
  if (code == CURLE_OK && curl_easy_getinfo(stream->easy, CURLINFO_ACTIVESOCKET, &stream->fd) == CURLE_OK &&
      stream->fd != CURL_SOCKET_BAD)
    entry = tk_socket_entry(stream->engine, stream->fd);
  if (entry == NULL) {
    end(stream, reason(stream, code == CURLE_OK ? CURLE_COULDNT_CONNECT : code));
    return;
  }
  entry->stream = stream;
  stream->state = TK_STREAM_OPEN;
  if (flush(stream)) fill(stream);
}

int tk_stream_connected(tk_engine *engine, const CURL *easy, CURLcode code) {
  tk_stream *stream = engine->streams;
  while (stream != NULL && stream->easy != easy) stream = stream->next;
  if (stream != NULL) connected(stream, code);
  return stream != NULL;
}

/* ---- the start ---- */

/* libcurl's CURLOPT_OPENSOCKETFUNCTION. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  tk_stream *stream = (tk_stream *)data;
  curl_socket_t fd = tk_socket_open(address->family, address->socktype, address->protocol);
  tk_socket *entry;
  (void)purpose;
  if (fd == CURL_SOCKET_BAD) {
    const char *shortage = tk_shortage_name(tk_socket_error());
    if (shortage != NULL) stream->shortage = shortage;
    return CURL_SOCKET_BAD;
  }
  entry = tk_socket_entry(stream->engine, fd);
  if (entry == NULL) {
    (void)tk_socket_close(fd);
    return CURL_SOCKET_BAD;
  }
  memset(entry, 0, sizeof *entry);
  entry->ours = 1;
  stream->engine->connections++;
  entry->stream = stream;
  return fd;
}

#define SET(option, value) \
  do { \
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) return 0; \
  } while (0)

static int set_up(tk_stream *stream, const tk_stream_options *options) {
  CURL *easy = stream->easy;
  double milliseconds = options->connect_timeout * 1000;
  SET(CURLOPT_URL, options->url);
#if LIBCURL_VERSION_NUM >= 0x075500
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  SET(CURLOPT_CONNECT_ONLY, 1L);
  SET(CURLOPT_FRESH_CONNECT, 1L);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
  SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
  SET(CURLOPT_TCP_NODELAY, 1L);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_CONNECTTIMEOUT_MS,
      milliseconds < 1 ? 1L : milliseconds > (double)INT_MAX ? (long)INT_MAX : (long)milliseconds);
#if LIBCURL_VERSION_NUM >= 0x075700
  SET(CURLOPT_QUICK_EXIT, 1L); /* see easy.c */
#endif
  if (options->unix_path != NULL) SET(CURLOPT_UNIX_SOCKET_PATH, options->unix_path);
  if (stream->trust != NULL && !tk_trust_set(easy, stream->trust)) return 0;
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_OPENSOCKETDATA, stream);
  SET(CURLOPT_CLOSESOCKETFUNCTION, tk_close_socket);
  SET(CURLOPT_CLOSESOCKETDATA, stream->engine);
  SET(CURLOPT_ERRORBUFFER, stream->problem);
  return 1;
}

static const char *options_problem(const tk_engine *engine, const tk_stream_options *options) {
  if (!tk_engine_usable(engine)) return "the engine is not usable any more";
  if (engine->stream_count >= TK_MOST_STREAMS) return "the engine has too many streams already";
  if (strncmp(options->url, "http://", 7) != 0 && strncmp(options->url, "https://", 8) != 0)
    return "url: expected http:// or https://";
  if (options->unix_path != NULL && options->unix_path[0] != '/') return "unix_path: expected an absolute path";
  if (!(options->connect_timeout > 0)) return "connect_timeout: expected a positive number of seconds";
  return NULL;
}

/* Makes the handle and gives it to the multi handle. 0 on failure, with the reason in `message`. */
static int begin(tk_stream *stream, const tk_stream_options *options, char message[TK_MESSAGE_SIZE]) {
  if (strncmp(options->url, "https:", 6) == 0) {
    stream->trust = tk_trust_new(options->ca_file, message);
    if (stream->trust == NULL) return 0;
    stream->engine->has_tls_stream = 1;
  }
  strcpy(message, "not enough memory");
  stream->easy = curl_easy_init();
  return stream->easy != NULL && set_up(stream, options) &&
         curl_multi_add_handle(stream->engine->multi, stream->easy) == CURLM_OK;
}

tk_stream *tk_stream_open(tk_engine *engine, const tk_stream_options *options, char message[TK_MESSAGE_SIZE]) {
  const char *problem = options_problem(engine, options);
  tk_stream *stream = NULL;
  snprintf(message, TK_MESSAGE_SIZE, "%s", problem != NULL ? problem : "not enough memory");
  if (problem == NULL) stream = (tk_stream *)calloc(1, sizeof *stream);
  if (stream == NULL) return NULL;
  stream->engine = engine;
  stream->fd = CURL_SOCKET_BAD;
  stream->max_input = options->max_input;
  stream->is_local = options->unix_path != NULL;
  if (!begin(stream, options, message)) {
    if (stream->easy != NULL) curl_easy_cleanup(stream->easy);
    tk_trust_free(stream->trust);
    free(stream);
    return NULL;
  }
  stream->next = engine->streams;
  engine->streams = stream;
  engine->stream_count++;
  engine->due = 1;
  tk_watch_settle(engine);
  return stream;
}

/* ---- the other public functions ---- */

tk_stream_state tk_stream_where(const tk_stream *stream) { return stream->state; }

const char *tk_stream_problem(const tk_stream *stream) { return stream->problem; }

int tk_stream_write(tk_stream *stream, const char *bytes, size_t size) {
  tk_engine *engine = stream->engine;
  tk_sigpipe signals;
  if (engine == NULL || !tk_engine_usable(engine)) return 0;
  tk_sigpipe_block(engine, &signals);
  if (tk_buffer_append(&stream->output, bytes, size, (size_t)-1) != TK_APPENDED) end(stream, "not enough memory");
  else if (stream->state == TK_STREAM_OPEN) (void)flush(stream);
  tk_sigpipe_restore(&signals);
  if (stream->state == TK_STREAM_OVER) tk_watch_settle(engine);
  return stream->state != TK_STREAM_OVER;
}

double tk_stream_written(const tk_stream *stream) { return stream->written; }

const char *tk_stream_input(const tk_stream *stream, size_t *size) {
  *size = stream->input.size;
  return stream->input.data;
}

void tk_stream_consume(tk_stream *stream, size_t size) { drop(&stream->input, size); }

void tk_stream_take(tk_stream *stream, tk_buffer *empty) {
  tk_buffer input = stream->input;
  stream->input = *empty;
  *empty = input;
}

void tk_stream_free(tk_stream *stream) {
  tk_sigpipe signals;
  if (stream == NULL) return;
  if (stream->engine != NULL) {
    tk_engine *engine = stream->engine;
    tk_sigpipe_block(engine, &signals);
    if (engine->pid != getpid()) {
      abandon(stream);
    } else {
      end(stream, "closed");
      tk_watch_settle(engine);
    }
    tk_sigpipe_restore(&signals);
  }
  tk_trust_free(stream->trust);
  tk_buffer_free(&stream->input);
  free(stream);
}
