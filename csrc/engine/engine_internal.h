/* What the engine's own files share. */
#ifndef TK_ENGINE_INTERNAL_H
#define TK_ENGINE_INTERNAL_H

#include "engine/buffer.h"
#include "engine/engine.h"
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

/* Easy handles kept for the next transfers; more than a host has in flight for long. */
#define TK_IDLE_HANDLES 64

/* Connections kept for the next transfers. libcurl's own limit follows the number of transfers in flight, which is small
   for a moment whenever many of them end together. */
#define TK_IDLE_CONNECTIONS 64

/* One entry for each descriptor that libcurl told us of, indexed by the descriptor. */
typedef struct tk_socket {
  unsigned char ours;       /* made by our own socket callback */
  unsigned char wanted;     /* libcurl wants events now */
  unsigned char registered; /* the epoll interest that the kernel holds: 1 read, 2 write */
  unsigned short port;      /* local port, 0: not asked for yet */
  int users;                /* transfers sent over it and not finished; more than one: HTTP/2 */
} tk_socket;

typedef struct tk_spares tk_spares;

struct tk_engine {
  CURLM *multi;
  CURLSH *share; /* TLS sessions, which libcurl before 8.12 keeps for each easy handle alone */
  pid_t pid;
  int broken; /* the multi handle refuses to go on */
  int plain;  /* http, so loopback */
  char *base_url;
  char *base_path; /* its path, "" for none */
  tk_buffer target; /* of the latest request, the path included */
  tk_tls *tls;     /* NULL: none is needed */
  tk_trust *trust; /* NULL: plain */
  char *proxy;
  struct curl_slist *headers; /* with Authorization; wiped when freed */
  struct curl_slist *json_headers; /* likewise, for requests with a body of JSON */
  long connect_timeout_ms;
  size_t max_response;
  size_t max_headers;
  int http2;

  tk_transfer *first, *last; /* all transfers in flight, in the order of their starts */
  tk_transfer *held_back;    /* the first of those that libcurl has not been given yet */
  int in_flight;
  tk_spares *spares;
  tk_transfer *first_done, *last_done; /* over, and not yet told by tk_engine_finished */
  tk_transfer **deadlines; /* binary heap, earliest first, in_flight entries */
  size_t deadline_capacity;

  CURL *idle[TK_IDLE_HANDLES];
  int idle_count;
  unsigned easies_made;

  tk_socket *sockets;
  size_t socket_count;

  int due;           /* libcurl asked to be called again at once */
  double curl_timer; /* when libcurl wants to be called by time, negative: never */
  double alarm;      /* when the host wants to, likewise */

  /* Linux only, see watch_epoll.c: one epoll set with a timer and an event in it. */
  int fd; /* the epoll set; -1 elsewhere */
  int timer_fd;
  int event_fd;
  int kicked;   /* event_fd is readable */
  double armed; /* what timer_fd is set to, negative: nothing */
  int looks_in_vain; /* since one was not */
  int looks_to_skip; /* waits that come before the next look */
};

struct tk_transfer {
  tk_spares *spares; /* where it goes when nobody needs it any more */
  tk_engine *engine; /* NULL once it is done */
  tk_engine *teller; /* whose list of ends it is in; NULL: of none */
  tk_transfer *next, *previous; /* in the list of those in flight, then in that of the ends */
  size_t heap_index;
  void *tag;
  CURL *easy;
  struct curl_slist *own_headers; /* NULL: one of the engine's lists is used */
  int has_body;
  tk_buffer request_body;
  char method[8];
  double deadline; /* on tk_now's clock */
  double began;    /* this try, likewise */
  double timeout;
  tk_buffer answer_headers;
  tk_buffer answer_body;
  size_t header_bytes; /* of all answers, interim ones included */
  int in_head;         /* between a status line and the empty line */
  curl_socket_t fd;    /* what it was sent over, CURL_SOCKET_BAD: nothing yet */
  unsigned short port; /* that one's local port */
  int guard_calls;     /* times libcurl was about to send, in this try */
  int stale;           /* the guard found the kept connection dead */
  int resend;          /* the guard stopped a second sending */
  unsigned trust_age;  /* of what is trusted when it was prepared */
  int outdated;        /* it was not sent, since something else is trusted by now */
  tk_append overflow;  /* what stopped a callback */
  int overflow_in_headers;
  tk_result result;
  char error[CURL_ERROR_SIZE];
};

/* transfer.c: the end of a transfer, from wherever it comes */
void tk_transfer_finish(tk_transfer *transfer, tk_reason reason, CURLcode code);
void tk_transfer_completed(tk_transfer *transfer, CURLcode code);
void tk_transfer_abandon(tk_transfer *transfer);
int tk_transfer_is_outdated(tk_transfer *transfer);

/* spares.c */
tk_spares *tk_spares_new(void);
void tk_spares_close(tk_spares *spares);
tk_transfer *tk_spares_take(tk_spares *spares);
void tk_spares_give(tk_transfer *transfer);

/* easy.c */
CURL *tk_easy_get(tk_engine *engine);
void tk_easy_put(tk_engine *engine, CURL *easy);
int tk_easy_prepare(tk_transfer *transfer, const tk_request *request);
int tk_easy_trust(tk_transfer *transfer);

/* origin.c */
char *tk_base_path(const char *base_url);

/* headers.c */
int tk_headers_add(struct curl_slist **list, const char *const *lines, size_t count, const char **bad);
int tk_headers_name_agent(struct curl_slist **list, const char *user_agent);
int tk_headers_accept_encodings(struct curl_slist **list);
int tk_headers_authorize(struct curl_slist **list, const char *username, const char *password);
int tk_headers_copy(struct curl_slist **list, const struct curl_slist *source);
void tk_headers_free(struct curl_slist *list);
void tk_wipe(void *memory, size_t size);

/* guard.c */
int tk_guard(void *transfer, char *ip, char *local_ip, int port, int local_port);
curl_socket_t tk_open_socket(void *engine, curlsocktype purpose, struct curl_sockaddr *address);
int tk_close_socket(void *engine, curl_socket_t fd);
tk_socket *tk_socket_entry(tk_engine *engine, curl_socket_t fd);
void tk_socket_leave(tk_transfer *transfer);

/* deadline.c */
int tk_deadline_reserve(tk_engine *engine);
void tk_deadline_add(tk_engine *engine, tk_transfer *transfer);
void tk_deadline_remove(tk_engine *engine, tk_transfer *transfer);

/* watch_epoll.c or watch_poll.c: how the engine learns that there is something to do. `open` sets
   engine->fd and the multi handle's callbacks; `started` sends the only transfer in flight; `wait` is a step that begins
   with waiting. */
int tk_watch_open(tk_engine *engine);
void tk_watch_close(tk_engine *engine);
void tk_watch_started(tk_engine *engine);
void tk_watch_settle(tk_engine *engine);
void tk_watch_step(tk_engine *engine);
void tk_watch_wait(tk_engine *engine, double seconds);

/* engine.c: all called with SIGPIPE blocked */
void tk_engine_broken(tk_engine *engine);
void tk_engine_release(tk_engine *engine, int count);
void tk_engine_expire(tk_engine *engine, double until);
void tk_engine_reap(tk_engine *engine);
double tk_engine_next(const tk_engine *engine);

/* sigpipe.c */
typedef struct tk_sigpipe {
  int ours; /* SIGPIPE was neither blocked nor pending before */
} tk_sigpipe;
void tk_sigpipe_block(const tk_engine *engine, tk_sigpipe *state);
void tk_sigpipe_restore(const tk_sigpipe *state);

#endif
