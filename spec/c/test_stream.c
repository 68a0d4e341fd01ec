/* Streams without Lua, against servers in the same thread: what is sent and received, and how they end. Built again
   without epoll. */
#define _GNU_SOURCE
#include "engine_world.h"

#include "engine/stream.h"
#include "tls_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/timekit-stream-XXXXXX";
static char path[64];

static int listen_at_path(void) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path);
  unlink(path);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 8), 0);
  return fd;
}

static tk_stream *open_stream(world *w, size_t max_input) {
  char message[TK_MESSAGE_SIZE] = "";
  tk_stream_options options;
  tk_stream *stream;
  memset(&options, 0, sizeof options);
  options.url = "http://localhost";
  options.unix_path = path;
  options.connect_timeout = 10;
  options.max_input = max_input;
  stream = tk_stream_open(w->engine, &options, message);
  if (stream == NULL) fail_msg("%s", message);
  return stream;
}

/* A stream that is open, and the server's end of it. */
static tk_stream *open_pair(world *w, size_t max_input, int *peer) {
  int listener = listen_at_path();
  tk_stream *stream = open_stream(w, max_input);
  while (tk_stream_where(stream) == TK_STREAM_CONNECTING) tk_engine_wait(w->engine, 30);
  assert_int_equal(tk_stream_where(stream), TK_STREAM_OPEN);
  *peer = accept(listener, NULL, NULL);
  assert_true(*peer >= 0);
  close(listener);
  return stream;
}

static void expect_input(world *w, tk_stream *stream, const char *bytes, size_t size) {
  const char *input;
  size_t have = 0;
  for (input = tk_stream_input(stream, &have); have < size; input = tk_stream_input(stream, &have)) {
    assert_int_equal(tk_stream_where(stream), TK_STREAM_OPEN);
    tk_engine_wait(w->engine, 30);
  }
  assert_int_equal(have, size);
  assert_memory_equal(input, bytes, size);
  tk_stream_consume(stream, size);
}

static void expect_end(world *w, tk_stream *stream, const char *problem) {
  while (tk_stream_where(stream) != TK_STREAM_OVER) tk_engine_wait(w->engine, 30);
  if (problem != NULL) assert_string_equal(tk_stream_problem(stream), problem);
  assert_true(strlen(tk_stream_problem(stream)) > 0);
  assert_int_equal(tk_stream_write(stream, "x", 1), 0);
}

static void expect_sent(int peer, const char *bytes) {
  char buffer[64];
  size_t size = strlen(bytes);
  assert_int_equal(recv(peer, buffer, size, MSG_WAITALL), size);
  assert_memory_equal(buffer, bytes, size);
}

/* ---- bytes ---- */

static void bytes_go_both_ways(void **state) {
  world *w = (world *)*state;
  int peer;
  tk_stream *stream = open_pair(w, 1000, &peer);
  assert_int_equal(tk_stream_write(stream, "one", 3), 1);
  expect_sent(peer, "one");
  assert_int_equal(send(peer, "two", 3, 0), 3);
  expect_input(w, stream, "two", 3);
  assert_true(tk_stream_written(stream) == 3);
  tk_stream_free(stream);
  assert_int_equal(recv(peer, path, 1, 0), 0); /* it is closed */
  close(peer);
}

static void what_is_written_while_it_connects_goes_out(void **state) {
  world *w = (world *)*state;
  int listener = listen_at_path(), peer;
  tk_stream *stream = open_stream(w, 1000);
  assert_int_equal(tk_stream_write(stream, "ear", 3), 1);
  assert_int_equal(tk_stream_write(stream, "ly", 2), 1);
  assert_true(tk_stream_written(stream) == 0);
  while (tk_stream_where(stream) == TK_STREAM_CONNECTING) tk_engine_wait(w->engine, 30);
  peer = accept(listener, NULL, NULL);
  expect_sent(peer, "early");
  tk_stream_free(stream);
  close(peer);
  close(listener);
}

static void a_part_can_be_taken(void **state) {
  world *w = (world *)*state;
  int peer;
  tk_stream *stream = open_pair(w, 1000, &peer);
  const char *input;
  size_t size;
  assert_int_equal(send(peer, "abcdef", 6, 0), 6);
  do tk_engine_wait(w->engine, 30);
  while (tk_stream_input(stream, &size) == NULL || size < 6);
  tk_stream_consume(stream, 4);
  input = tk_stream_input(stream, &size);
  assert_int_equal(size, 2);
  assert_memory_equal(input, "ef", 2);
  tk_stream_free(stream);
  close(peer);
}

/* More than the kernel takes at once: the rest goes out in later steps, in order. */
static void much_output_waits_for_its_reader(void **state) {
  enum { SIZE = 4 * 1024 * 1024 };
  world *w = (world *)*state;
  int peer;
  tk_stream *stream = open_pair(w, 1000, &peer);
  char *bytes = (char *)malloc(SIZE), *got = (char *)malloc(SIZE);
  size_t i, have = 0;
  for (i = 0; i < SIZE; i++) bytes[i] = (char)(i * 31 + i / 251);
  for (i = 0; i < SIZE; i += SIZE / 8) assert_int_equal(tk_stream_write(stream, bytes + i, SIZE / 8), 1);
  assert_true(tk_stream_written(stream) < SIZE);
  while (have < SIZE) {
    ssize_t count = recv(peer, got + have, SIZE - have, MSG_DONTWAIT);
    if (count > 0) have += (size_t)count;
    else assert_int_equal(errno, EAGAIN);
    tk_engine_step(w->engine);
  }
  assert_memory_equal(got, bytes, SIZE);
  assert_true(tk_stream_written(stream) == SIZE);
  free(bytes);
  free(got);
  tk_stream_free(stream);
  close(peer);
}

/* More than one step reads. */
static void much_input_comes_whole(void **state) {
  enum { SIZE = 3 * 1024 * 1024 };
  world *w = (world *)*state;
  int peer;
  tk_stream *stream = open_pair(w, SIZE, &peer);
  char *bytes = (char *)malloc(SIZE);
  size_t i, sent = 0, have = 0;
  const char *input = NULL;
  for (i = 0; i < SIZE; i++) bytes[i] = (char)(i * 17 + i / 253);
  while (have < SIZE) {
    ssize_t count = send(peer, bytes + sent, SIZE - sent, MSG_DONTWAIT);
    if (count > 0) sent += (size_t)count;
    tk_engine_wait(w->engine, 1);
    input = tk_stream_input(stream, &have);
  }
  assert_memory_equal(input, bytes, SIZE);
  free(bytes);
  tk_stream_free(stream);
  close(peer);
}

/* The engine's descriptor has nothing more to tell after a few steps. */
static void expect_quiet(world *w, struct pollfd *look) {
  int i;
  for (i = 0; i < 3 && poll(look, 1, 0) > 0; i++) tk_engine_step(w->engine);
  assert_int_equal(poll(look, 1, 0), 0);
}

static void one_descriptor_tells_of_streams(void **state) {
  world *w = (world *)*state;
  int peer;
  tk_stream *stream;
  struct pollfd look;
  if (tk_engine_fd(w->engine) < 0) skip();
  stream = open_pair(w, 1000, &peer);
  look.fd = tk_engine_fd(w->engine);
  look.events = POLLIN;
  expect_quiet(w, &look);
  assert_int_equal(send(peer, "x", 1, 0), 1);
  assert_int_equal(poll(&look, 1, 30000), 1);
  tk_engine_step(w->engine);
  expect_input(w, stream, "x", 1);
  tk_stream_free(stream);
  close(peer);
}

/* Whoever waits for a stream learns of its end in the next step, so there has to be one. */
static void the_descriptor_tells_of_the_end(void **state) {
  world *w = (world *)*state;
  int peer;
  tk_stream *stream;
  struct pollfd look;
  if (tk_engine_fd(w->engine) < 0) skip();
  stream = open_pair(w, 1000, &peer);
  look.fd = tk_engine_fd(w->engine);
  look.events = POLLIN;
  expect_quiet(w, &look);
  tk_stream_free(stream);
  assert_int_equal(poll(&look, 1, 0), 1);
  expect_quiet(w, &look);
  close(peer);
}

/* ---- beside transfers ---- */

static void transfers_go_on_beside_it(void **state) {
  world *w = (world *)*state;
  int peer, i;
  tk_stream *stream = open_pair(w, 1000, &peer);
  for (i = 0; i < 20; i++) {
    tk_transfer *transfer = start(w, "/ok/n", 30);
    assert_int_equal(send(peer, "in", 2, 0), 2);
    expect_body(finish(w, transfer), "n");
    tk_transfer_free(transfer);
    assert_int_equal(tk_stream_write(stream, "out", 3), 1);
    expect_sent(peer, "out");
    expect_input(w, stream, "in", 2);
  }
  tk_stream_free(stream);
  close(peer);
}

/* ---- the end ---- */

static void nobody_listens(void **state) {
  world *w = (world *)*state;
  tk_stream *stream;
  unlink(path);
  stream = open_stream(w, 1000);
  tk_stream_write(stream, "lost", 4);
  expect_end(w, stream, NULL);
  assert_true(tk_stream_written(stream) == 0);
  tk_stream_free(stream);
}

static void the_server_closes(void **state) {
  world *w = (world *)*state;
  int peer;
  size_t size;
  tk_stream *stream = open_pair(w, 1000, &peer);
  assert_int_equal(send(peer, "bye", 3, 0), 3);
  close(peer);
  expect_end(w, stream, "the server closed the connection");
  assert_memory_equal(tk_stream_input(stream, &size), "bye", 3);
  assert_int_equal(size, 3);
  tk_stream_free(stream);
}

static void the_answer_is_too_large(void **state) {
  world *w = (world *)*state;
  int peer;
  tk_stream *stream = open_pair(w, 3, &peer);
  assert_int_equal(send(peer, "four", 4, 0), 4);
  expect_end(w, stream, "the answer is too large");
  tk_stream_free(stream);
  close(peer);
}

static void the_engine_goes_first(void **state) {
  world *w = (world *)*state;
  int peer;
  tk_stream *open = open_pair(w, 3, &peer), *connecting = open_stream(w, 3);
  tk_engine_free(w->engine);
  w->engine = NULL;
  assert_int_equal(tk_stream_where(open), TK_STREAM_OVER);
  assert_string_equal(tk_stream_problem(open), "the client was closed");
  assert_int_equal(tk_stream_where(connecting), TK_STREAM_OVER);
  assert_int_equal(tk_stream_write(open, "x", 1), 0);
  tk_stream_free(open);
  tk_stream_free(connecting);
  close(peer);
}

static void streams_are_not_without_number(void **state) {
  world *w = (world *)*state;
  int listener = listen_at_path(), i;
  char message[TK_MESSAGE_SIZE];
  tk_stream *streams[TK_MOST_STREAMS];
  tk_stream_options options;
  memset(&options, 0, sizeof options);
  options.url = "http://localhost";
  options.unix_path = path;
  options.connect_timeout = options.max_input = 10;
  for (i = 0; i < TK_MOST_STREAMS; i++) streams[i] = open_stream(w, 10);
  assert_null(tk_stream_open(w->engine, &options, message));
  assert_string_equal(message, "the engine has too many streams already");
  for (i = 0; i < TK_MOST_STREAMS; i++) tk_stream_free(streams[i]);
  streams[0] = open_stream(w, 10);
  tk_stream_free(streams[0]);
  close(listener);
}

static void wrong_options_are_named(void **state) {
  world *w = (world *)*state;
  char message[TK_MESSAGE_SIZE];
  tk_stream_options options;
  memset(&options, 0, sizeof options);
  options.connect_timeout = options.max_input = 10;
  options.url = "redis://localhost";
  assert_null(tk_stream_open(w->engine, &options, message));
  assert_string_equal(message, "url: expected http:// or https://");
  options.url = "http://localhost";
  options.unix_path = "relative";
  assert_null(tk_stream_open(w->engine, &options, message));
  assert_string_equal(message, "unix_path: expected an absolute path");
  options.unix_path = NULL;
  options.connect_timeout = 0;
  assert_null(tk_stream_open(w->engine, &options, message));
  assert_string_equal(message, "connect_timeout: expected a positive number of seconds");
}

/* ---- forks ---- */

/* Not by exit: what the child leaves to its parent would be reported as its leak. */
static void leave(int wrong) {
  execl("/bin/sh", "sh", "-c", wrong ? "exit 1" : "exit 0", (char *)NULL);
  _exit(2);
}

static int in_child(world *w, tk_stream *stream) {
  int was_open = tk_stream_write(stream, "child", 5);
  tk_stream_free(stream);
  tk_engine_free(w->engine);
  return was_open;
}

/* The child ends its copy without a byte to the server; the parent's stream goes on. */
static void a_child_leaves_it_alone(void **state) {
  world *w = (world *)*state;
  int peer, status = -1;
  tk_stream *stream = open_pair(w, 1000, &peer);
  pid_t child = fork();
  if (child == 0) leave(in_child(w, stream));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(tk_stream_write(stream, "parent", 6), 1);
  expect_sent(peer, "parent");
  assert_int_equal(send(peer, "x", 1, 0), 1);
  expect_input(w, stream, "x", 1);
  tk_stream_free(stream);
  close(peer);
}

/* Nor does a child keep the connection open that its parent closes. */
static void a_child_closes_its_copy(void **state) {
  world *w = (world *)*state;
  int peer, ready[2], go[2], status;
  char byte;
  pid_t child;
  tk_stream *stream = open_pair(w, 1000, &peer);
  assert_int_equal(pipe(ready), 0);
  assert_int_equal(pipe(go), 0);
  child = fork();
  if (child == 0) {
    close(peer);
    close(go[1]);
    tk_engine_free(w->engine);
    (void)!write(ready[1], "x", 1);
    (void)!read(go[0], &byte, 1);
    leave(0);
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  tk_stream_free(stream);
  assert_int_equal(recv(peer, &byte, 1, 0), 0);
  close(go[1]);
  waitpid(child, &status, 0);
  close(go[0]);
  close(ready[0]);
  close(ready[1]);
  close(peer);
}

/* ---- TLS ---- */

static tk_stream *open_tls(world *w, const tls_server *tls, const char *ca_file) {
  char url[64], message[TK_MESSAGE_SIZE] = "";
  tk_stream_options options;
  tk_stream *stream;
  memset(&options, 0, sizeof options);
  snprintf(url, sizeof url, "https://127.0.0.1:%d", tls->port);
  options.url = url;
  options.ca_file = ca_file;
  options.connect_timeout = 20;
  options.max_input = 1000000;
  stream = tk_stream_open(w->engine, &options, message);
  if (stream == NULL) fail_msg("%s", message);
  return stream;
}

static void over_tls(void **state) {
  world *w = (world *)*state;
  const char *request = "GET / HTTP/1.0\r\n\r\n", *input;
  tls_server tls;
  tk_stream *stream;
  size_t size;
  if (!tls_server_start(&tls)) skip();
  stream = open_tls(w, &tls, tls.ca_file);
  tk_stream_write(stream, request, strlen(request));
  expect_end(w, stream, NULL);
  input = tk_stream_input(stream, &size);
  assert_true(size > 1000 && memcmp(input, "HTTP/1.0 200", 12) == 0);
  tk_stream_free(stream);
  tls_server_stop(&tls);
}

static void a_certificate_that_nobody_trusts(void **state) {
  world *w = (world *)*state;
  tls_server tls;
  tk_stream *stream;
  if (!tls_server_start(&tls)) skip();
  stream = open_tls(w, &tls, NULL);
  tk_stream_write(stream, "secret", 6);
  expect_end(w, stream, NULL);
  assert_true(tk_stream_written(stream) == 0);
  tk_stream_free(stream);
  tls_server_stop(&tls);
}

/* Enough to fill the kernel's buffers and the pipe behind the server. */
enum { MUCH = 8 * 1024 * 1024 };

static char *much(void) {
  char *bytes = (char *)malloc(MUCH);
  size_t i;
  for (i = 0; i < MUCH; i++) bytes[i] = (char)('a' + (i * 31 + i / 251) % 26);
  memcpy(bytes, "{begin}", 7);
  return bytes;
}

/* Writes more than the server takes, until nothing goes out any more. */
static void write_until_stuck(world *w, tk_stream *stream, const char *bytes) {
  double before;
  size_t i;
  for (i = 0; i < MUCH; i += MUCH / 8) assert_int_equal(tk_stream_write(stream, bytes + i, MUCH / 8), 1);
  while (tk_stream_where(stream) == TK_STREAM_CONNECTING) tk_engine_wait(w->engine, 30);
  do {
    before = tk_stream_written(stream);
    for (i = 0; i < 20; i++) tk_engine_wait(w->engine, 0.005);
  } while (tk_stream_written(stream) > before);
  assert_true(tk_stream_written(stream) > 0 && tk_stream_written(stream) < MUCH);
}

/* What was written to the stream, as the server puts it out: small letters, behind a mark and between lines of its own,
   which begin with a capital letter. */
typedef struct heard {
  char *bytes;
  size_t size;
  int has_begun, in_line;
} heard;

static void hear(heard *h, const tls_server *tls) {
  char chunk[65536];
  ssize_t count = read(tls->output, chunk, sizeof chunk), i;
  for (i = 0; i < count; i++) {
    if (chunk[i] == '{') h->has_begun = 1;
    if (!h->has_begun) continue;
    if (chunk[i] >= 'A' && chunk[i] <= 'Z') h->in_line = 1;
    if (!h->in_line) {
      assert_true(h->size < MUCH);
      h->bytes[h->size++] = chunk[i];
    }
    if (chunk[i] == '\n') h->in_line = 0;
  }
}

/* A write that TLS has only begun is repeated with the same bytes. In the middle the server asks for new keys, so that
   TLS has to read and to write bytes of its own before it goes on. */
static void much_output_over_tls(void **state) {
  world *w = (world *)*state;
  tls_server tls;
  tk_stream *stream;
  char *bytes = much();
  heard h;
  int has_asked = 0;
  if (!tls_server_start_piped(&tls)) skip();
  memset(&h, 0, sizeof h);
  h.bytes = (char *)malloc(MUCH);
  assert_int_equal(fcntl(tls.output, F_SETFL, O_NONBLOCK), 0);
  stream = open_tls(w, &tls, tls.ca_file);
  write_until_stuck(w, stream, bytes);
  while (h.size < MUCH) {
    hear(&h, &tls);
    assert_int_equal(tk_stream_where(stream), TK_STREAM_OPEN);
    if (!has_asked && h.size > MUCH / 2) has_asked = write(tls.input, "K\n", 2) == 2;
    tk_engine_wait(w->engine, 0.001);
  }
  assert_memory_equal(h.bytes, bytes, MUCH);
  assert_true(tk_stream_written(stream) == MUCH);
  tk_stream_free(stream);
  tls_server_stop(&tls);
  free(bytes);
  free(h.bytes);
}

static void a_tls_server_closes_in_the_middle(void **state) {
  world *w = (world *)*state;
  tls_server tls;
  tk_stream *stream;
  char *bytes = much();
  if (!tls_server_start_piped(&tls)) skip();
  stream = open_tls(w, &tls, tls.ca_file);
  write_until_stuck(w, stream, bytes);
  kill(tls.pid, SIGKILL);
  expect_end(w, stream, NULL);
  assert_true(tk_stream_written(stream) < MUCH);
  tk_stream_free(stream);
  tls_server_stop(&tls);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    WITH_WORLD(bytes_go_both_ways),
    WITH_WORLD(what_is_written_while_it_connects_goes_out),
    WITH_WORLD(a_part_can_be_taken),
    WITH_WORLD(much_output_waits_for_its_reader),
    WITH_WORLD(much_input_comes_whole),
    WITH_WORLD(one_descriptor_tells_of_streams),
    WITH_WORLD(the_descriptor_tells_of_the_end),
    WITH_WORLD(transfers_go_on_beside_it),
    WITH_WORLD(nobody_listens),
    WITH_WORLD(the_server_closes),
    WITH_WORLD(the_answer_is_too_large),
    WITH_WORLD(the_engine_goes_first),
    WITH_WORLD(streams_are_not_without_number),
    WITH_WORLD(wrong_options_are_named),
    WITH_WORLD(a_child_leaves_it_alone),
    WITH_WORLD(a_child_closes_its_copy),
    WITH_WORLD(over_tls),
    WITH_WORLD(a_certificate_that_nobody_trusts),
    WITH_WORLD(much_output_over_tls),
    WITH_WORLD(a_tls_server_closes_in_the_middle),
  };
  int failed;
  if (mkdtemp(folder) == NULL) return 2;
  snprintf(path, sizeof path, "%s/socket", folder);
  failed = cmocka_run_group_tests_name("streams", tests, NULL, NULL);
  unlink(path);
  rmdir(folder);
  return failed;
}
