/* A server that is far away: `far PORT MILLISECONDS` passes on what goes to and from a server of this machine, each way
so much later. It prints the port that it listens on, and ends with its standard input. Connecting itself is not late:
the kernel answers a handshake of TCP. */
#define _GNU_SOURCE /* ppoll */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 2048

/* All are as late, so they are sent in the order in which they came. A size of 0 is the end of what comes. */
typedef struct late {
  struct late *next;
  double due;
  int to;
  size_t size;
  char bytes[];
} late;

static late *oldest, **newest = &oldest;
static int other[MOST];  /* descriptor: the other end's */
static char ended[MOST]; /* descriptor: its end was passed on */
static struct pollfd watched[MOST];
static nfds_t count;
static double delay;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int open_socket(struct sockaddr_in *address, int port) {
  int one = 1, made = socket(AF_INET, SOCK_STREAM, 0);
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address->sin_port = htons((unsigned short)port);
  if (made < 0 || made >= MOST) fail("socket");
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return made;
}

static int listening(void) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int made = open_socket(&address, 0);
  if (bind(made, (struct sockaddr *)&address, size) < 0 || listen(made, 512) < 0) fail("listen");
  if (getsockname(made, (struct sockaddr *)&address, &size) < 0) fail("getsockname");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return made;
}

static void watch(int fd) {
  if (count == MOST) fail("too many connections");
  watched[count].fd = fd;
  watched[count++].events = POLLIN;
}

static void join(int one, int two) {
  other[one] = two;
  ended[one] = 0;
  watch(one);
}

static void welcome(int listener, int port) {
  struct sockaddr_in address;
  int one = 1, client = accept(listener, NULL, NULL), server = open_socket(&address, port);
  if (client < 0 || client >= MOST) fail("accept");
  if (connect(server, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  join(client, server);
  join(server, client);
}

/* Returns 0 at the end. */
static int receive(int fd) {
  static char bytes[1 << 16];
  ssize_t got = recv(fd, bytes, sizeof bytes, 0);
  late *made;
  if (got < 0) got = 0; /* the client went away: an end, too */
  made = malloc(sizeof *made + (size_t)got);
  if (made == NULL) fail("malloc");
  made->next = NULL;
  made->due = now() + delay;
  made->to = other[fd];
  made->size = (size_t)got;
  memcpy(made->bytes, bytes, (size_t)got);
  *newest = made;
  newest = &made->next;
  return got > 0;
}

static void finish(int fd) {
  int from = other[fd];
  shutdown(fd, SHUT_WR);
  ended[from] = 1;
  if (!ended[fd]) return;
  close(fd);
  close(from);
}

static void deliver(const late *what) {
  size_t sent = 0;
  if (what->size == 0) finish(what->to);
  while (sent < what->size) {
    ssize_t went = send(what->to, what->bytes + sent, what->size - sent, MSG_NOSIGNAL);
    if (went <= 0) return;
    sent += (size_t)went;
  }
}

static void deliver_due(void) {
  while (oldest != NULL && oldest->due <= now()) {
    late *done = oldest;
    oldest = done->next;
    if (oldest == NULL) newest = &oldest;
    deliver(done);
    free(done);
  }
}

static void sleep_until_due(void) {
  double left = oldest == NULL ? 1 : oldest->due - now();
  struct timespec time = { 0, 0 };
  if (left > 0) {
    time.tv_sec = (time_t)left;
    time.tv_nsec = (long)((left - (double)time.tv_sec) * 1e9);
  }
  if (ppoll(watched, count, &time, NULL) < 0) fail("ppoll");
}

int main(int argc, char **argv) {
  int listener;
  if (argc != 3) {
    fputs("usage: far PORT MILLISECONDS\n", stderr);
    return 1;
  }
  delay = atof(argv[2]) / 1e3;
  listener = listening();
  watch(STDIN_FILENO);
  watch(listener);
  for (;;) {
    nfds_t index, ready = count;
    sleep_until_due();
    if (watched[0].revents) return 0;
    if (watched[1].revents) welcome(listener, atoi(argv[1]));
    for (index = ready; index-- > 2;)
      if (watched[index].revents && !receive(watched[index].fd)) watched[index] = watched[--count];
    deliver_due();
  }
}
