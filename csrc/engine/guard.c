/*
 * The re-send guard. When a kept connection dies before the first byte of an answer, libcurl repeats
 * the request on a fresh one, silently, and PUT and POST too (Curl_retry_request); over HTTP/2 it
 * also repeats refused streams. For an action on a booking that would be a second action. libcurl
 * calls PREREQFUNCTION right before each sending, so a second call means a repeat: it is let through
 * only where nothing has been written yet.
 *
 * Before the first sending on a kept connection the guard also looks whether the peer has hung up
 * meanwhile, which libcurl 7.88 does not notice over TLS. Then the try is given up before anything
 * was sent, and the transfer starts again on a fresh connection.
 */
#define _GNU_SOURCE /* POLLRDHUP, SOCK_CLOEXEC */

#include "engine/engine_internal.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

/* The entry of a descriptor, made when there is none. NULL: no memory. */
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

curl_socket_t tk_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  tk_engine *engine = (tk_engine *)data;
  tk_socket *entry;
  int fd;
  (void)purpose; /* always CURLSOCKTYPE_IPCXN for HTTP */
#ifdef SOCK_CLOEXEC
  fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
  fd = socket(address->family, address->socktype, address->protocol);
  if (fd >= 0) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
  if (fd < 0) return CURL_SOCKET_BAD;
  entry = tk_socket_entry(engine, fd);
  if (entry == NULL) {
    close(fd);
    return CURL_SOCKET_BAD;
  }
  memset(entry, 0, sizeof *entry);
  entry->ours = 1;
  return fd;
}

/* The entry is cleared first: the number may be in use again as soon as it is closed. */
int tk_close_socket(void *data, curl_socket_t fd) {
  tk_engine *engine = (tk_engine *)data;
  if ((size_t)fd < engine->socket_count) memset(&engine->sockets[fd], 0, sizeof *engine->sockets);
  return close(fd);
}

static unsigned short local_port_of(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)(void *)&address, &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
  return 0;
}

/* The first of our sockets that is bound to the port. libcurl does not tell the callback its
   descriptor (CURLINFO_ACTIVESOCKET is not set yet), only the port. Two local addresses may share one:
   to restart for the wrong connection's sake would cost a connection, no more. */
static curl_socket_t find_by_port(tk_engine *engine, long port) {
  size_t fd;
  if (port <= 0) return CURL_SOCKET_BAD;
  for (fd = 0; fd < engine->socket_count; fd++) {
    tk_socket *entry = &engine->sockets[fd];
    if (!entry->ours) continue;
    if (entry->port == 0) entry->port = local_port_of((int)fd);
    if (entry->port == port) return (curl_socket_t)fd;
  }
  return CURL_SOCKET_BAD;
}

/* Between two requests a server has nothing to say: whatever can be read, a close_notify included,
   means that the connection is over. While others use it (HTTP/2), only a hang-up means that. */
static int is_stale(tk_engine *engine, curl_socket_t fd) {
  struct pollfd look;
  look.fd = fd;
  look.events = (short)(engine->sockets[fd].users > 0 ? POLLRDHUP : POLLRDHUP | POLLIN);
  look.revents = 0;
  return poll(&look, 1, 0) > 0;
}

static void join(tk_transfer *transfer, curl_socket_t fd) {
  tk_socket *entry = &transfer->engine->sockets[fd];
  transfer->fd = fd;
  transfer->port = entry->port;
  entry->users++;
}

/* The descriptor may have been closed and its number used again since. */
void tk_socket_leave(tk_transfer *transfer) {
  if (transfer->fd != CURL_SOCKET_BAD) {
    tk_socket *entry = &transfer->engine->sockets[transfer->fd];
    if (entry->port == transfer->port && entry->users > 0) entry->users--;
    transfer->fd = CURL_SOCKET_BAD;
  }
}

int tk_guard(void *data, char *ip, char *local_ip, int port, int local_port) {
  tk_transfer *transfer = (tk_transfer *)data;
  curl_socket_t fd = find_by_port(transfer->engine, local_port);
  long written = 0, connects = 0;
  (void)ip, (void)local_ip, (void)port;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &written);
  curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
  transfer->guard_calls++;
  if (transfer->guard_calls > 1 && written > 0) {
    transfer->resend = 1;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer->result.reused = connects == 0;
  tk_socket_leave(transfer);
  if (fd == CURL_SOCKET_BAD) return CURL_PREREQFUNC_OK;
  if (connects == 0 && is_stale(transfer->engine, fd)) {
    transfer->stale = 1;
    return CURL_PREREQFUNC_ABORT;
  }
  join(transfer, fd);
  return CURL_PREREQFUNC_OK;
}
