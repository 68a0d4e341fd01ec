/*
 * The engine runs many HTTP transfers over one libcurl multi handle. The host decides when it runs, by stepping it.
 * It knows neither Lua nor Timekit. One engine speaks to one origin and belongs to the thread and the process that
 * made it.
 *
 * The engine sends a request once or not at all: guard.c stops libcurl from silently sending it again. Every result
 * says whether bytes of the request left this machine.
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
  const char *base_url; /* https, or http as far as that is allowed; no credentials, query or fragment */
  int allow_http;       /* http to other hosts than loopback: the password is sent unencrypted */
  const char *username; /* username and password NULL: no Authorization header */
  const char *password;
  const char *user_agent; /* NULL: no User-Agent header */
  tk_tls_files files;
  tk_tls *tls;            /* NULL: `files` are read. Else it counts instead, and the engine is one more user of it */
  const char *proxy;      /* NULL: from the environment, which is read now if it names none; "": none. Never used for
                             http */
  const char *const *headers; /* "Name: value" lines sent with every request */
  size_t header_count;
  double connect_timeout; /* seconds */
  size_t max_response;    /* bytes of body, after decompression */
  size_t max_headers;     /* bytes of all header lines together, those of interim (1xx) answers included */
  int http2;
} tk_options;

typedef struct tk_request {
  const char *method; /* GET, HEAD, POST, PUT, PATCH or DELETE; the first two have no body */
  const char *target; /* appended to base_url; starts with '/' */
  const char *const *headers;
  size_t header_count;
  int is_anonymous; /* sent without Authorization */
  int is_json;      /* `Content-Type: application/json` is the only header; `headers` is ignored */
  const char *body; /* copied; NULL: none */
  size_t body_size;
  double timeout; /* seconds from the start to the last byte of the answer; nothing is sent after it */
  void *tag;      /* any pointer; tk_transfer_tag returns it */
} tk_request;

typedef enum tk_reason {
  TK_OK,           /* a complete answer */
  TK_CURL,         /* libcurl gave up: see code and text */
  TK_DEADLINE,     /* the request's timeout passed */
  TK_CANCELLED,    /* by tk_transfer_cancel */
  TK_BODY_LIMIT,   /* the body exceeded max_response */
  TK_HEADER_LIMIT, /* the headers exceeded max_headers */
  TK_RESEND,       /* the connection was lost, and libcurl was kept from sending the request again */
  TK_MEMORY,       /* out of memory */
  TK_CLOSED        /* the engine was freed */
} tk_reason;

typedef enum tk_sent {
  TK_SENT_NO,    /* no byte of the request left this machine */
  TK_SENT_MAYBE, /* some bytes may have left, and no final (not 1xx) status line came back */
  TK_SENT_YES    /* a final status line came back */
} tk_sent;

/* Seconds since the start of the last try; 0 if a stage was not reached or not needed. */
typedef struct tk_times {
  double name_lookup, connect, tls, first_byte, total;
} tk_times;

typedef struct tk_result {
  tk_reason reason;
  int code;         /* libcurl's CURLcode */
  const char *text; /* one line for people to read; never holds credentials */
  long status;      /* 0: no final status line */
  const char *headers; /* the final answer's header lines as they came, without the status line */
  size_t headers_size;
  const char *body;
  size_t body_size;
  size_t body_capacity; /* readable bytes at `body`: body_size and some more */
  tk_sent sent;
  int reused;       /* the connection had served an earlier request */
  int restarts;     /* restarts on a new connection, because the kept one was dead before anything was sent */
  int http_version; /* 10, 11, 20, 30; 0: none */
  tk_times times;
} tk_result;

/* Checks that the libcurl in this process is new enough, and initialises it once for all threads. Returns NULL, or a
   text that says what is missing. Call it before any other function. */
const char *tk_setup(void);

/* Monotonic clock, in seconds. */
double tk_now(void);

/* Sleeps for `seconds`; returns earlier on a signal. */
void tk_sleep(double seconds);

/* The reason why tk_engine_new would refuse an option, such as `proxy: expected …`; NULL if it would accept it. *plain
   becomes 1 for http and 0 for https. The text does not quote the option, which may hold a password. */
const char *tk_origin_problem(const char *base_url, int allow_http, int *plain);
const char *tk_proxy_problem(const char *proxy);

/* Whether this is the name of a header that only the engine may send. */
int tk_header_is_reserved(const char *name);

/* Reads the files. It holds no descriptor, so it may be made before a fork, a chroot or a change of user, and engines
   afterwards: what was read stays usable. NULL on failure, with a line in `message` that names the option and the file,
   never the password. The caller frees it, before or after the engines that share it, in their thread. */
tk_tls *tk_tls_new(const tk_tls_files *files, char message[TK_MESSAGE_SIZE]);

/* NULL is allowed. */
void tk_tls_free(tk_tls *tls);

/* Makes an engine, which the caller frees. The options are copied. NULL on failure; `message` then names the option. If
   only descriptors are lacking, errno is EMFILE or ENFILE, and `message` says so: it may work later. */
tk_engine *tk_engine_new(const tk_options *options, char message[TK_MESSAGE_SIZE]);

/* Ends all transfers with TK_CLOSED and wipes the credentials. The transfers' results stay readable. In a forked child
   it only gives back the child's own memory and descriptors. NULL is allowed. */
void tk_engine_free(tk_engine *engine);

/* 0 in a forked child, and after an error that libcurl cannot recover from. */
int tk_engine_usable(const tk_engine *engine);

/* Handles what is ready, without waiting, and returns the number of transfers in flight. A step ends after about 0.1
   ms, unless one function of libcurl takes longer; if work is left, the descriptor stays readable. */
int tk_engine_step(tk_engine *engine);

/* Waits for an event, for a signal, or for `seconds`, whichever comes first, and then steps. The step may use what is
   left of `seconds`. Returns at once if nothing is in flight, no alarm is set and there is no stream. */
int tk_engine_wait(tk_engine *engine, double seconds);

/* The next transfer that has ended, in the order in which they ended. Each is returned once; NULL: no more. */
tk_transfer *tk_engine_finished(tk_engine *engine);

/* Keeps tk_engine_finished from returning this transfer. */
void tk_transfer_forget_end(tk_transfer *transfer);

/* Sets the host's own timer to `when`, on tk_now's clock. At that time a wait ends and the descriptor becomes
   readable, once. There is one alarm: a new one replaces it, and a negative time removes it. */
void tk_engine_alarm(tk_engine *engine, double when);

/* The number of transfers in flight. */
int tk_engine_pending(const tk_engine *engine);

/* A descriptor that is readable while a step has something to do; -1 without epoll. The engine owns it: poll it, but
   do not read or close it. */
int tk_engine_fd(const tk_engine *engine);

/* Seconds until the next timer, after which a step has something to do; negative: there is no timer. */
double tk_engine_timeout(const tk_engine *engine);

/* Starts a transfer, which the caller frees, before or after the engine. The request is copied. NULL on failure, with
   a line in `message`; nothing was sent then. */
tk_transfer *tk_transfer_start(tk_engine *engine, const tk_request *request, char message[TK_MESSAGE_SIZE]);

/* The request's tag. */
void *tk_transfer_tag(const tk_transfer *transfer);

int tk_transfer_done(const tk_transfer *transfer);

/* NULL while in flight; afterwards valid until the transfer is freed. */
const tk_result *tk_transfer_result(const tk_transfer *transfer);

/* Ends a transfer in flight at once, with TK_CANCELLED. The result says whether bytes had been sent. */
void tk_transfer_cancel(tk_transfer *transfer);

/* Cancels the transfer if it is in flight, and frees it. NULL is allowed. */
void tk_transfer_free(tk_transfer *transfer);

#endif
