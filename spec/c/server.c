#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 512

typedef struct connection {
  server *owner;
  int fd;
  pthread_t thread;
} connection;

/* Allocated once: the tests make allocations fail. */
struct server {
  int listener;
  int port;
  pthread_t acceptor;
  pthread_mutex_t lock;
  int seen;
  int count;
  connection connections[CONNECTIONS];
};

static int send_all(int fd, const char *text, size_t size) {
  while (size > 0) {
    ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
    if (n <= 0) return 0;
    text += n;
    size -= (size_t)n;
  }
  return 1;
}

static int answer(int fd, const char *body) {
  char text[256];
  int size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nX-Test: a\r\nx-test: b\r\n\r\n%s",
                      strlen(body), body);
  return send_all(fd, text, (size_t)size);
}

static int answer_big(int fd, long size) {
  char head[128];
  char chunk[1000];
  memset(chunk, 'x', sizeof chunk);
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", size);
  if (!send_all(fd, head, strlen(head))) return 0;
  for (; size > 0; size -= (long)sizeof chunk)
    if (!send_all(fd, chunk, size < (long)sizeof chunk ? (size_t)size : sizeof chunk)) return 0;
  return 1;
}

static int answer_headers(int fd, long lines) {
  if (!send_all(fd, "HTTP/1.1 200 OK\r\n", 17)) return 0;
  for (; lines > 0; lines--)
    if (!send_all(fd, "X-Flood: 0123456789\r\n", 21)) return 0;
  return send_all(fd, "Content-Length: 0\r\n\r\n", 21);
}

/* The path behind the state is the client's own. */
static int answer_booking(int fd, const char *state) {
  char body[160];
  snprintf(body, sizeof body, "{\"data\":{\"id\":\"b1\",\"graph\":\"confirm_decline\",\"state\":\"%.*s\",\"list\":[1.5,{}]}}",
           (int)strcspn(state, "/"), state);
  return answer(fd, body);
}

/* 1: the connection stays open. */
static int act(int fd, const char *path) {
  if (strstr(path, "/never") != NULL) return 1;
  if (strncmp(path, "/ok/", 4) == 0) return answer(fd, path + 4);
  if (strncmp(path, "/state/", 7) == 0) return answer_booking(fd, path + 7);
  if (strncmp(path, "/last/", 6) == 0) return answer(fd, path + 6) && 0;
  if (strncmp(path, "/big/", 5) == 0) return answer_big(fd, atol(path + 5));
  if (strncmp(path, "/headers/", 9) == 0) return answer_headers(fd, atol(path + 9));
  if (strncmp(path, "/interim", 8) == 0) {
    static const char interim[] = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    while (send_all(fd, interim, sizeof interim - 1)) continue;
    return 0;
  }
  return 0;
}

/* Reads one whole request and copies its path. 0: the peer has gone. */
static int read_request(int fd, char *path, size_t path_size) {
  char head[8192];
  size_t size = 0;
  char *end, *length;
  long body;
  for (;;) {
    ssize_t n = recv(fd, head + size, 1, 0);
    if (n <= 0 || ++size == sizeof head - 1) return 0;
    head[size] = '\0';
    if ((end = strstr(head, "\r\n\r\n")) != NULL) break;
  }
  length = strcasestr(head, "content-length:");
  for (body = length == NULL ? 0 : atol(length + 15); body > 0; body--) {
    char byte;
    if (recv(fd, &byte, 1, 0) <= 0) return 0;
  }
  snprintf(path, path_size, "%.*s", (int)strcspn(strchr(head, '/'), " "), strchr(head, '/'));
  return 1;
}

static void *serve(void *data) {
  connection *c = (connection *)data;
  char path[256];
  while (read_request(c->fd, path, sizeof path)) {
    pthread_mutex_lock(&c->owner->lock);
    c->owner->seen++;
    pthread_mutex_unlock(&c->owner->lock);
    if (!act(c->fd, path)) break;
  }
  shutdown(c->fd, SHUT_RDWR);
  return NULL;
}

static void *accept_all(void *data) {
  server *s = (server *)data;
  for (;;) {
    connection *c;
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0) return NULL;
    assert(s->count < CONNECTIONS);
    c = &s->connections[s->count++];
    c->owner = s;
    c->fd = fd;
    pthread_create(&c->thread, NULL, serve, c);
  }
}

server *server_start(void) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  server *s = (server *)calloc(1, sizeof *s);
  assert(s != NULL);
  pthread_mutex_init(&s->lock, NULL);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert(bind(s->listener, (struct sockaddr *)&address, sizeof address) == 0);
  assert(listen(s->listener, CONNECTIONS) == 0);
  assert(getsockname(s->listener, (struct sockaddr *)&address, &size) == 0);
  s->port = ntohs(address.sin_port);
  pthread_create(&s->acceptor, NULL, accept_all, s);
  return s;
}

int server_port(const server *s) { return s->port; }

int server_seen(server *s) {
  int seen;
  pthread_mutex_lock(&s->lock);
  seen = s->seen;
  pthread_mutex_unlock(&s->lock);
  return seen;
}

void server_stop(server *s) {
  int i;
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->acceptor, NULL);
  for (i = 0; i < s->count; i++) shutdown(s->connections[i].fd, SHUT_RDWR);
  for (i = 0; i < s->count; i++) {
    pthread_join(s->connections[i].thread, NULL);
    close(s->connections[i].fd);
  }
  close(s->listener);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

int open_descriptors(void) {
  DIR *list = opendir("/proc/self/fd");
  int count = 0;
  if (list == NULL) return 0;
  while (readdir(list) != NULL) count++;
  closedir(list);
  return count;
}
