/* What systems do in different ways: sockets, files, the locale. The sources compile for Windows, but nothing is tested
   there. */
#ifndef TK_PLATFORM_H
#define TK_PLATFORM_H

#ifdef _WIN32

/* wincrypt.h would have other meanings for OpenSSL's names. */
#define NOCRYPT
#include <winsock2.h>
#include <ws2tcpip.h>

#include <fcntl.h>
#include <io.h>
#include <locale.h>
#include <sys/stat.h>

typedef SOCKET tk_native_socket;

#define POLLRDHUP 0
#define TK_READ_ONLY (O_RDONLY | O_BINARY | O_NOINHERIT)
#define TK_ANY_FILE "nul"

static inline tk_native_socket tk_socket_open(int family, int type, int protocol) {
  return WSASocketW(family, type, protocol, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static inline int tk_socket_close(tk_native_socket socket) { return closesocket(socket); }

static inline int tk_socket_end(tk_native_socket socket) { return shutdown(socket, SD_BOTH); }

/* As errno has it. */
static inline int tk_socket_error(void) {
  switch (WSAGetLastError()) {
    case WSAEMFILE: return EMFILE;
    case WSAENOBUFS: return ENOBUFS;
    default: return EINVAL;
  }
}

static inline int tk_socket_poll(struct pollfd *sockets, unsigned long count) { return WSAPoll(sockets, count, 0); }

/* There is no fork to survive. */
#define tk_at_fork(before, parent, child) ((void)(before), (void)(parent), (void)(child))

#define tk_modified_ns(seen) ((void)(seen), 0)
#define tk_changed_ns(seen) ((void)(seen), 0)

static inline const char *tk_radix_character(void) { return localeconv()->decimal_point; }

#else

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int tk_native_socket;

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

/* A pipe without a writer is not waited for. */
#define TK_READ_ONLY (O_RDONLY | O_CLOEXEC | O_NONBLOCK)
/* It is always there. */
#define TK_ANY_FILE "/"

static inline tk_native_socket tk_socket_open(int family, int type, int protocol) {
#ifdef SOCK_CLOEXEC
  return socket(family, type | SOCK_CLOEXEC, protocol);
#else
  int fd = socket(family, type, protocol);
  if (fd >= 0) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
#endif
}

static inline int tk_socket_close(tk_native_socket socket) { return close(socket); }

/* In both directions. The descriptor stays. */
static inline int tk_socket_end(tk_native_socket socket) { return shutdown(socket, SHUT_RDWR); }

static inline int tk_socket_error(void) { return errno; }

static inline int tk_socket_poll(struct pollfd *sockets, nfds_t count) { return poll(sockets, count, 0); }

#define tk_at_fork(before, parent, child) pthread_atfork(before, parent, child)

#ifdef __APPLE__
#define tk_modified_ns(seen) ((seen)->st_mtimespec.tv_nsec)
#define tk_changed_ns(seen) ((seen)->st_ctimespec.tv_nsec)
#else
#define tk_modified_ns(seen) ((seen)->st_mtim.tv_nsec)
#define tk_changed_ns(seen) ((seen)->st_ctim.tv_nsec)
#endif

/* Not localeconv, whose result all threads share. */
static inline const char *tk_radix_character(void) { return nl_langinfo(RADIXCHAR); }

#endif

#endif
