/* What the engine's source files share and its users do not see: the structs, and the functions of each file. */
#ifndef TK_INTERNAL_H
#define TK_INTERNAL_H

#include "engine/buffer.h"
#include "engine/engine.h"
#include "engine/stream.h"
#include "engine/tls.h"
#include "engine/trust.h"

#include <curl/curl.h>
#include <sys/types.h>

#if LIBCURL_VERSION_NUM < 0x075000
#error "timekit needs libcurl 7.80.0 or newer (CURLOPT_PREREQFUNCTION)"
#endif

#if defined(__linux__) && !defined(TK_NO_EPOLL)
#define TK_EPOLL 1
#else
#define TK_EPOLL 0
#endif

/* Easy handles kept for the next transfers. Hosts rarely have more transfers in flight than this for long. */
#define TK_IDLE_HANDLES 64

/* Connections kept for the next transfers. libcurl's own limit is four times the number of transfers in flight; when
   many transfers end together, it would close connections that the next ones need. */
#define TK_IDLE_CONNECTIONS 64

/* What we know of a descriptor that libcurl uses. engine->sockets is indexed by the descriptor. */
typedef struct tk_socket {
  unsigned char ours;       /* tk_open_socket made it; 0: one of libcurl's own, for its resolver */
  unsigned char wanted;     /* libcurl waits for events on it now */
  unsigned char registered; /* the interest set in epoll: 1 read, 2 write */
  unsigned short port;      /* local port; 0: not looked up yet */
  struct tk_stream *stream; /* the stream that it belongs to; NULL: none */
  int users;                /* transfers in flight that were sent over it; more than one only with HTTP/2 */
} tk_socket;

struct tk_engine {
  CURLM *multi;
  CURLSH *share; /* TLS sessions; libcurl before 8.12 would keep them per easy handle */
  pid_t pid;     /* the process that made the engine */
  int broken;    /* the multi handle failed; no transfer will ever go on */
  int plain;     /* http instead of https: to loopback, or with allow_http */
  char *base_url;
  CURLU *url;       /* base_url, parsed */
  char *base_path;  /* the path of base_url, "" for none */
  tk_buffer target; /* base_path and the latest request's target; kept to reuse its memory */
  tk_tls *tls;      /* NULL: http, and no file was named */
  tk_trust *trust;  /* NULL: http */
  char *proxy;
  struct curl_slist *headers; /* sent with every request, Authorization included; wiped when freed */
  struct curl_slist *json_headers; /* the same with the Content-Type of JSON, for requests with is_json */
  long connect_timeout_ms;
  size_t max_response;
  size_t max_headers;
  int http2;

  tk_transfer *first, *last; /* the transfers in flight, in the order in which they started */
  tk_transfer *held_back;    /* the first of them that the multi handle does not have yet; all after it likewise */
  int in_flight;
  tk_transfer *first_done, *last_done; /* ended, and not yet returned by tk_engine_finished */
  tk_transfer **deadlines; /* binary heap of the transfers in flight, earliest deadline first */
  size_t deadline_capacity;

  struct tk_stream *streams; /* those that are not over */
  int stream_count;
  int streams_due;    /* one of them has more to read than the last step took */
  int has_tls_stream; /* one of them uses TLS, or did */

  CURL *idle[TK_IDLE_HANDLES];
  int idle_count;
  unsigned easies_made; /* so far */

  tk_socket *sockets;
  size_t socket_count;
  int connections; /* how many of them are `ours` */

  int due;           /* libcurl asked to be called again at once */
  double curl_timer; /* when libcurl's next timer is due; negative: none */
  double alarm;      /* when the host's alarm is due; negative: none */

  /* Only with epoll, see watch_epoll.c. */
  int fd;       /* the epoll set; -1 without epoll */
  int timer_fd; /* a timerfd in the set, for the next timer */
  int event_fd; /* an eventfd in the set, for work that is due now */
  int kicked;   /* event_fd is readable */
  double armed; /* when timer_fd expires; negative: not set */
  int resolves; /* the transfers given to libcurl last look up a name in a thread of their own */
};

struct tk_transfer {
  tk_engine *engine; /* NULL once it has ended */
  tk_engine *done_in; /* the engine whose list of ended transfers it is in; NULL: in none */
  tk_transfer *next, *previous; /* in the engine's list of transfers in flight, then in that of the ended ones */
  size_t heap_index; /* where it stands in engine->deadlines */
  void *tag;
  CURL *easy; /* owned while in flight; then it goes back to the engine */
  struct curl_slist *own_headers; /* owned; NULL: the request uses one of the engine's lists */
  int has_body;
  tk_buffer request_body;
  char method[8];
  double deadline; /* on tk_now's clock */
  double began;    /* when this try began, on tk_now's clock */
  double timeout;
  tk_buffer answer_headers;
  tk_buffer answer_body;
  size_t header_bytes; /* of all answers, interim ones included */
  int in_head;         /* between a status line and the empty line after the headers */
  curl_socket_t fd;    /* the connection it was sent over; CURL_SOCKET_BAD: none yet */
  unsigned short port; /* the local port of that connection */
  int is_added;        /* the multi handle has it; until then the easy handle holds the times of an earlier transfer */
  int guard_calls;     /* times in this try that the guard let libcurl send the request, or found a dead connection */
  int stale;           /* the guard found the kept connection dead */
  int shortage;        /* why no socket could be opened, an errno; 0: there was one, or none was needed */
  int late;            /* the guard kept libcurl from sending the request after the deadline */
  int resend;          /* the guard kept libcurl from sending the request again */
  unsigned trust_age;  /* tk_trust_age when the transfer was prepared */
  int outdated;        /* not sent, because the trust has changed since */
  tk_append overflow;  /* why a callback made libcurl give up; TK_APPENDED: none did */
  int overflow_in_headers; /* on_header did, not on_body */
  tk_result result;
  char error[CURL_ERROR_SIZE];
};

/* transfer.c: the ways in which a transfer ends */
void tk_transfer_finish(tk_transfer *transfer, tk_reason reason, CURLcode code);
void tk_transfer_completed(tk_transfer *transfer, CURLcode code);
void tk_transfer_abandon(tk_transfer *transfer);
int tk_transfer_is_outdated(tk_transfer *transfer);

/* stream.c: these run with SIGPIPE blocked, but for tk_streams_abandon and tk_streams_wanted */
int tk_stream_connected(tk_engine *engine, const CURL *easy, CURLcode code); /* 0: it is no stream's handle */
void tk_stream_ready(tk_stream *stream);                                     /* its descriptor has events */
void tk_streams_go_on(tk_engine *engine, int all); /* moves those that have more to read, or all */
void tk_streams_end(tk_engine *engine);
void tk_streams_abandon(tk_engine *engine); /* in a forked child */
unsigned tk_streams_wanted(const tk_engine *engine, struct curl_waitfd wanted[TK_MOST_STREAMS]); /* without epoll */

/* easy.c */
CURL *tk_easy_get(tk_engine *engine);
void tk_easy_put(tk_engine *engine, CURL *easy);
int tk_easy_prepare(tk_transfer *transfer, const tk_request *request);
int tk_easy_trust(tk_transfer *transfer);

/* origin.c */
const char *tk_environment_proxy(void);
char *tk_base_path(const char *base_url);

/* headers.c */
int tk_headers_add(struct curl_slist **list, const char *const *lines, size_t count, const char **bad);
int tk_headers_name_agent(struct curl_slist **list, const char *user_agent);
int tk_headers_accept_gzip(struct curl_slist **list);
int tk_headers_authorize(struct curl_slist **list, const char *username, const char *password);
int tk_headers_copy(struct curl_slist **list, const struct curl_slist *source, int with_key);
void tk_headers_free(struct curl_slist *list);
void tk_wipe(void *memory, size_t size);

/* guard.c */
int tk_guard(void *transfer, char *ip, char *local_ip, int port, int local_port);
curl_socket_t tk_open_socket(void *engine, curlsocktype purpose, struct curl_sockaddr *address);
int tk_close_socket(void *engine, curl_socket_t fd);
tk_socket *tk_socket_entry(tk_engine *engine, curl_socket_t fd);
void tk_socket_leave(tk_transfer *transfer);
void tk_socket_abandon(const tk_transfer *transfer);

/* shortage.c */
int tk_shortage_found(void);              /* EMFILE or ENFILE if too few descriptors are left for a lookup; else 0 */
const char *tk_shortage_name(int error);  /* what has run out, if errno had this value; NULL: nothing */

/* deadline.c */
int tk_deadline_reserve(tk_engine *engine);
void tk_deadline_add(tk_engine *engine, tk_transfer *transfer);
void tk_deadline_remove(tk_engine *engine, tk_transfer *transfer);

/* watch_epoll.c or watch_poll.c: watches the descriptors and timers of libcurl, and runs libcurl when one is due. */
int tk_watch_open(tk_engine *engine); /* sets engine->fd and libcurl's callbacks; 0: no memory or no descriptors */
void tk_watch_close(tk_engine *engine);
void tk_watch_forget(tk_engine *engine, curl_socket_t fd); /* call it before the descriptor is closed */
void tk_watch_started(tk_engine *engine); /* sends the only transfer in flight at once */
void tk_watch_settle(tk_engine *engine);  /* the next timer may have changed: sets the kernel's timer to it */
int tk_watch_stream(tk_engine *engine, curl_socket_t fd, int and_write); /* reads always; 0: no memory */
void tk_watch_step(tk_engine *engine);
void tk_watch_wait(tk_engine *engine, double seconds);

/* engine.c: these run with SIGPIPE blocked, since they call libcurl */
void tk_engine_broken(tk_engine *engine);
void tk_engine_release(tk_engine *engine, int count);
void tk_engine_expire(tk_engine *engine, double until);
void tk_engine_reap(tk_engine *engine);
double tk_engine_next(const tk_engine *engine);

/* sigpipe.c */
typedef struct tk_sigpipe {
  int ours; /* we blocked SIGPIPE; it was not blocked before, and so not pending either */
} tk_sigpipe;
void tk_sigpipe_block(const tk_engine *engine, tk_sigpipe *state);
void tk_sigpipe_restore(const tk_sigpipe *state);

#endif
