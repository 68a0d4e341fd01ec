/*
 * The engine: many HTTP transfers over one libcurl multi handle, stepped by the host.
 * It knows neither Lua nor Timekit. One engine speaks to one origin, belongs to one thread, and is
 * not used in a process other than the one that made it.
 *
 * A request is sent once or not at all: libcurl's own silent repeats are stopped (see guard.c), and
 * every result says whether bytes of the request left this machine.
 */
#ifndef TK_ENGINE_H
#define TK_ENGINE_H

#include <stddef.h>

#define TK_MESSAGE_SIZE 256

typedef struct tk_engine tk_engine;
typedef struct tk_transfer tk_transfer;
typedef struct tk_tls tk_tls;

typedef struct tk_tls_files {
  const char *ca_file;      /* certificates to trust instead of the system's, for an https proxy as well; NULL: those
                               that CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR name, or else the system's */
  const char *cert_file;    /* the client's certificate and those that lead to its root, PEM; NULL: none */
  const char *key_file;     /* its key; NULL: in cert_file */
  const char *key_password; /* NULL: the key is not encrypted */
} tk_tls_files;

typedef struct tk_options {
  const char *base_url; /* https, or http to a loopback host; no credentials, query or fragment */
  const char *username; /* username and password NULL: no Authorization header */
  const char *password;
  const char *user_agent; /* NULL: none is sent */
  tk_tls_files files;
  tk_tls *tls;            /* NULL: `files` are read. Else it counts instead, and the engine is one more user of it */
  const char *proxy;      /* NULL: from the environment; "": none. Never used for http */
  const char *const *headers; /* "Name: value" lines sent with every request */
  size_t header_count;
  double connect_timeout; /* seconds */
  size_t max_response;    /* bytes of body, after decompression */
  size_t max_headers;     /* bytes of header lines in all, interim answers included */
  int http2;
} tk_options;

typedef struct tk_request {
  const char *method; /* GET, POST, PUT, PATCH or DELETE */
  const char *target; /* appended to base_url; starts with '/' */
  const char *const *headers;
  size_t header_count;
  int is_json;      /* `Content-Type: application/json` is its only header, and `headers` is not looked at */
  const char *body; /* copied; NULL: none */
  size_t body_size;
  double timeout; /* seconds from start to the last byte */
  void *tag;      /* the caller's own, see tk_transfer_tag */
} tk_request;

typedef enum tk_reason {
  TK_OK,           /* a complete answer */
  TK_CURL,         /* libcurl gave up: see code and text */
  TK_DEADLINE,     /* the time was over */
  TK_CANCELLED,    /* by tk_transfer_cancel */
  TK_BODY_LIMIT,   /* the body exceeded max_response */
  TK_HEADER_LIMIT, /* the headers exceeded max_headers */
  TK_RESEND,       /* the connection was lost; libcurl wanted to send the request again */
  TK_MEMORY,       /* out of memory */
  TK_CLOSED        /* the engine was freed */
} tk_reason;

typedef enum tk_sent {
  TK_SENT_NO,    /* no byte of the request left this machine */
  TK_SENT_MAYBE, /* some bytes may have, and no final answer came */
  TK_SENT_YES    /* a final status line came back */
} tk_sent;

/* Seconds since the start of the last try; 0 where a stage was not reached or not needed. */
typedef struct tk_times {
  double name_lookup, connect, tls, first_byte, total;
} tk_times;

typedef struct tk_result {
  tk_reason reason;
  int code;         /* libcurl's CURLcode */
  const char *text; /* one line for a person; never holds credentials */
  long status;      /* 0: no final status line */
  const char *headers; /* the final answer's header lines as they came, status line left out */
  size_t headers_size;
  const char *body;
  size_t body_size;
  size_t body_capacity; /* bytes at `body`, some of them behind it */
  tk_sent sent;
  int reused;       /* the connection had served an earlier request */
  int restarts;     /* fresh starts because the kept connection was dead before anything was sent */
  int http_version; /* 10, 11, 20, 30; 0: none */
  tk_times times;
} tk_result;

/* Checks that the libcurl in this process will do and sets it up once for all threads. Returns NULL,
   or a text that says what is missing. To be called before anything else. */
const char *tk_setup(void);

/* Monotonic clock, in seconds. */
double tk_now(void);

/* Returns after `seconds`, earlier on a signal. */
void tk_sleep(double seconds);

/* Why tk_engine_new would refuse an option, such as `proxy: expected …`; NULL: it would not. *plain becomes 1 for http,
   0 for https. The option itself is not repeated, since it may hold a password. */
const char *tk_origin_problem(const char *base_url, int *plain);
const char *tk_proxy_problem(const char *proxy);

/* Reads the files. It holds no descriptor, so it may be made before a fork, a chroot or a change of user, and engines
   afterwards: what was read stays usable. NULL on failure, with a line in `message` that names the option and the file,
   never the password. The caller frees it, before or after the engines that share it, in their thread. */
tk_tls *tk_tls_new(const tk_tls_files *files, char message[TK_MESSAGE_SIZE]);

/* NULL is allowed. */
void tk_tls_free(tk_tls *tls);

/* NULL on failure, with a line in `message` that names the option. The caller frees the engine. */
tk_engine *tk_engine_new(const tk_options *options, char message[TK_MESSAGE_SIZE]);

/* Ends all transfers (they stay readable, with TK_CLOSED) and wipes the credentials. In a forked
   child it only gives back what is the child's own. NULL is allowed. */
void tk_engine_free(tk_engine *engine);

/* 0 in a forked child and after an error that libcurl cannot recover from. */
int tk_engine_usable(const tk_engine *engine);

/* Goes on with what is ready, never waits, and returns the number of transfers in flight. A step takes about a tenth of
   a millisecond at the most, as far as libcurl can be interrupted; the descriptor stays readable if there is more to do. */
int tk_engine_step(tk_engine *engine);

/* Waits until something happened or `seconds` have passed or a signal came, then steps, for which it takes what is left
   of them if there is much to do. Returns at once when nothing is in flight and no alarm is set. */
int tk_engine_wait(tk_engine *engine, double seconds);

/* The next of the transfers that are over, in the order of their ends, each told once; NULL: none. */
tk_transfer *tk_engine_finished(tk_engine *engine);

/* The transfer is not to be told by tk_engine_finished any more. */
void tk_transfer_forget_end(tk_transfer *transfer);

/* The host, too, has something to do at `when`, on tk_now's clock: that ends a wait and makes the descriptor readable,
   once. It replaces an earlier alarm; negative: none. */
void tk_engine_alarm(tk_engine *engine, double when);

int tk_engine_pending(const tk_engine *engine);

/* A descriptor that is readable when a step has something to do; -1 where the system has none. It
   belongs to the engine: watch it, do not read or close it. */
int tk_engine_fd(const tk_engine *engine);

/* Seconds until a step has something to do by time alone; negative: no such time. */
double tk_engine_timeout(const tk_engine *engine);

/* Starts a transfer. NULL on failure, with a line in `message`; nothing was sent then. The caller
   frees the transfer, before or after the engine. */
tk_transfer *tk_transfer_start(tk_engine *engine, const tk_request *request, char message[TK_MESSAGE_SIZE]);

void *tk_transfer_tag(const tk_transfer *transfer);

int tk_transfer_done(const tk_transfer *transfer);

/* NULL while in flight; afterwards valid until the transfer is freed. */
const tk_result *tk_transfer_result(const tk_transfer *transfer);

/* Ends a transfer in flight at once, with TK_CANCELLED; the result tells what had been sent. */
void tk_transfer_cancel(tk_transfer *transfer);

/* Cancels where need be. NULL is allowed. */
void tk_transfer_free(tk_transfer *transfer);

#endif
