/*
 * The re-send guard. When a kept connection dies before the first byte of the answer, libcurl silently sends the
 * request again on a new one, even if it is a PUT or POST (Curl_retry_request). Over HTTP/2 it also sends refused
 * streams again. For an action on a booking, that would be a second action. libcurl calls PREREQFUNCTION right before
 * it sends a request, so a second call means that it is about to send again. The guard allows this only if nothing
 * was written yet.
 *
 * Before a request goes out on a kept connection, the guard also checks whether the server has closed that
 * connection. libcurl 7.88 does not notice this over TLS. If it is closed, the guard stops the try before anything is
 * sent, and the transfer starts again on a new connection.
 *
 * A host that rarely steps may let the deadline pass while the connection is made. The step that finds the connection
 * ready would then send the request and give it up at once, and nobody would know whether it took effect. So the guard
 * sends nothing after the deadline.
 */
#define _GNU_SOURCE /* POLLRDHUP, SOCK_CLOEXEC */

#include "engine/internal.h"
#include "engine/platform.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* The entry of a descriptor; the table grows if it is too short. A pointer to an entry is valid until the next call.
   NULL: no memory. */
tk_socket *tk_socket_entry(tk_engine *engine, curl_socket_t fd) {
  size_t index = (size_t)fd;
  if (index >= engine->socket_count) {
    size_t count = index + 32;
    tk_socket *sockets = (tk_socket *)realloc(engine->sockets, count * sizeof *sockets);
    if (sockets == NULL) return NULL;
    memset(sockets + engine->socket_count, 0, (count - engine->socket_count) * sizeof *sockets);
    engine->sockets = sockets;
    engine->socket_count = count;
  }
  return &engine->sockets[index];
}

/* libcurl's CURLOPT_OPENSOCKETFUNCTION. */
curl_socket_t tk_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  tk_transfer *transfer = (tk_transfer *)data;
  tk_socket *entry;
  curl_socket_t fd;
  (void)purpose; /* always CURLSOCKTYPE_IPCXN for HTTP */
  fd = tk_socket_open(address->family, address->socktype, address->protocol);
  transfer->shortage = fd == CURL_SOCKET_BAD ? tk_socket_error() : 0;
  if (fd == CURL_SOCKET_BAD) return CURL_SOCKET_BAD;
  entry = tk_socket_entry(transfer->engine, fd);
  if (entry == NULL) {
    (void)tk_socket_close(fd);
    transfer->shortage = ENOMEM;
    return CURL_SOCKET_BAD;
  }
  memset(entry, 0, sizeof *entry);
  entry->ours = 1;
  transfer->engine->connections++;
  return fd;
}

/* libcurl's CURLOPT_CLOSESOCKETFUNCTION. It clears the entry first, because the number may be reused once it is
   closed. */
int tk_close_socket(void *data, curl_socket_t fd) {
  tk_engine *engine = (tk_engine *)data;
  if ((size_t)fd < engine->socket_count) {
    tk_watch_forget(engine, fd);
    if (engine->sockets[fd].ours) engine->connections--;
    memset(&engine->sockets[fd], 0, sizeof *engine->sockets);
  }
  return tk_socket_close(fd);
}

static unsigned short local_port_of(curl_socket_t fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)(void *)&address, &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
  return 0;
}

/* The first of our sockets with this local port. The guard learns only the port: CURLINFO_ACTIVESOCKET is not set yet.
   Sockets on two local addresses may share a port. A mistake then costs one new connection, no more. */
static curl_socket_t find_by_port(tk_engine *engine, long port) {
  size_t fd;
  if (port <= 0) return CURL_SOCKET_BAD;
  for (fd = 0; fd < engine->socket_count; fd++) {
    tk_socket *entry = &engine->sockets[fd];
    if (!entry->ours || entry->stream != NULL) continue;
    if (entry->port == 0) entry->port = local_port_of((curl_socket_t)fd);
    if (entry->port == port) return (curl_socket_t)fd;
  }
  return CURL_SOCKET_BAD;
}

/* Between two requests a server sends nothing, so anything readable, even a TLS close_notify, means that the
   connection is closed. While other transfers use it (HTTP/2), answers are readable too, and only a hang-up means
   that. */
static int is_stale(tk_engine *engine, curl_socket_t fd) {
  struct pollfd probe;
  probe.fd = fd;
  probe.events = (short)(engine->sockets[fd].users > 0 ? POLLRDHUP : POLLRDHUP | POLLIN);
  probe.revents = 0;
  return tk_socket_poll(&probe, 1) > 0;
}

/* The server has ended the connection in TLS, and libcurl has read that. libcurl 8.14 uses an HTTP/2 connection all the
   same, and nothing readable is left by then. */
static int has_ended(const tk_transfer *transfer) {
  struct curl_tlssessioninfo *session = NULL;
  const tk_trust *trust = transfer->engine->trust;
  if (trust == NULL || !tk_trust_is_ours(trust)) return 0; /* not an SSL of the OpenSSL that we are linked with */
  if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL) return 0;
  return session->backend == CURLSSLBACKEND_OPENSSL && session->internals != NULL &&
         (SSL_get_shutdown((const SSL *)session->internals) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static void join(tk_transfer *transfer, curl_socket_t fd) {
  tk_socket *entry = &transfer->engine->sockets[fd];
  transfer->fd = fd;
  transfer->port = entry->port;
  entry->users++;
}

/* The connection that a transfer uses; NULL: none. The port is compared because the descriptor may have been closed,
   and its number reused, since the transfer joined. */
static tk_socket *socket_of(const tk_transfer *transfer) {
  tk_socket *entry;
  if (transfer->fd == CURL_SOCKET_BAD) return NULL;
  entry = &transfer->engine->sockets[transfer->fd];
  return entry->port == transfer->port ? entry : NULL;
}

/* An HTTP/2 connection whose session is broken stays so, but libcurl would use it again, each time in vain (seen with
   8.14). One that has ended is used by nobody. */
void tk_socket_abandon(const tk_transfer *transfer) {
  if (socket_of(transfer) != NULL) (void)tk_socket_end(transfer->fd);
}

/* The transfer no longer uses its connection. */
void tk_socket_leave(tk_transfer *transfer) {
  tk_socket *entry = socket_of(transfer);
  if (entry != NULL && entry->users > 0) entry->users--;
  transfer->fd = CURL_SOCKET_BAD;
}

/* libcurl's CURLOPT_PREREQFUNCTION: called when a connection is ready and the request is about to be sent on it. */
int tk_guard(void *data, char *ip, char *local_ip, int port, int local_port) {
  tk_transfer *transfer = (tk_transfer *)data;
  curl_socket_t fd = find_by_port(transfer->engine, local_port);
  long written = 0, connects = 0;
  (void)ip, (void)local_ip, (void)port;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &written);
  curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
  if (transfer->guard_calls > 0 && written > 0) {
    transfer->resend = 1;
    return CURL_PREREQFUNC_ABORT;
  }
  if (tk_now() >= transfer->deadline) {
    transfer->late = 1;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer->guard_calls++;
  transfer->result.reused = connects == 0;
  tk_socket_leave(transfer);
  if (fd == CURL_SOCKET_BAD) return CURL_PREREQFUNC_OK;
  if (connects == 0 && (is_stale(transfer->engine, fd) || has_ended(transfer))) {
    transfer->stale = 1;
    return CURL_PREREQFUNC_ABORT;
  }
  join(transfer, fd);
  return CURL_PREREQFUNC_OK;
}
