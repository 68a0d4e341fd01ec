/*
 * A stream of bytes to another server than Timekit, a Redis say. libcurl looks the name up, connects and does TLS
 * (CURLOPT_CONNECT_ONLY); what is said over the connection is the caller's. The engine's steps move it on, and the
 * engine's descriptor is readable while there is something to do.
 */
#ifndef TK_STREAM_H
#define TK_STREAM_H

#include "engine/buffer.h"
#include "engine/engine.h"

/* An engine has no more than this many. */
#define TK_MOST_STREAMS 64

typedef struct tk_stream tk_stream;

typedef struct tk_stream_options {
  const char *url;        /* http://host:port, or https://host:port for TLS */
  const char *unix_path;  /* the socket to connect to, instead of host and port; NULL: none */
  const char *ca_file;    /* certificates to trust, as of tk_tls_files */
  double connect_timeout; /* seconds */
  size_t max_input;       /* bytes that may wait to be taken; more end the stream */
} tk_stream_options;

typedef enum tk_stream_state { TK_STREAM_CONNECTING, TK_STREAM_OPEN, TK_STREAM_OVER } tk_stream_state;

/* Begins to connect. NULL on failure, with a line in `message`. The caller frees the stream, before or after the
   engine. */
tk_stream *tk_stream_open(tk_engine *engine, const tk_stream_options *options, char message[TK_MESSAGE_SIZE]);

tk_stream_state tk_stream_where(const tk_stream *stream);

/* Once it is over: why, in one line for people. */
const char *tk_stream_problem(const tk_stream *stream);

/* Takes bytes to send. What the kernel does not take at once goes out in later steps. 0: the stream is over. */
int tk_stream_write(tk_stream *stream, const char *bytes, size_t size);

/* Bytes that the kernel has been given so far. */
double tk_stream_written(const tk_stream *stream);

/* What has come and was not consumed yet; valid until the engine's next step. */
const char *tk_stream_input(const tk_stream *stream, size_t *size);
void tk_stream_consume(tk_stream *stream, size_t size);

/* Exchanges what has come for an empty buffer, whose memory the stream goes on with. */
void tk_stream_take(tk_stream *stream, tk_buffer *empty);

/* Closes the connection. In a forked child it only closes the child's copy of the descriptor. NULL is allowed. */
void tk_stream_free(tk_stream *stream);

#endif
