#define _GNU_SOURCE
#include "tls_server.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_certificate(tls_server *s) {
  char command[512];
  strcpy(s->folder, "/tmp/timekit-XXXXXX");
  if (mkdtemp(s->folder) == NULL) return 0;
  snprintf(s->ca_file, sizeof s->ca_file, "%s/cert.pem", s->folder);
  snprintf(s->key_file, sizeof s->key_file, "%s/key.pem", s->folder);
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out %s -days 2 "
           "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null",
           s->key_file, s->ca_file);
  return system(command) == 0;
}

/* The program says where it listens in a line of its own, "ACCEPT 127.0.0.1:PORT". */
static int read_port(int output) {
  char text[512];
  size_t size = 0;
  while (size < sizeof text - 1 && read(output, text + size, 1) == 1) {
    const char *colon;
    text[++size] = '\0';
    if (text[size - 1] != '\n') continue;
    colon = strncmp(text, "ACCEPT ", 7) == 0 ? strrchr(text, ':') : NULL;
    if (colon != NULL) return atoi(colon + 1);
    size = 0;
  }
  return 0;
}

static void remove_files(const tls_server *s) {
  unlink(s->ca_file);
  unlink(s->key_file);
  rmdir(s->folder);
}

static void run(const tls_server *s, int input, int output) {
  (void)freopen("/dev/null", "w", stderr); /* it complains of every client that goes away */
  if (input >= 0) dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", s->ca_file, "-key", s->key_file,
         "-num_tickets", "0", input < 0 ? "-www" : NULL, (char *)NULL);
  _exit(127);
}

static void make_pipe(int ends[2]) {
  if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0) abort();
}

static int start(tls_server *s, int is_piped) {
  int output[2], input[2] = {-1, -1};
  memset(s, 0, sizeof *s);
  if (!make_certificate(s)) {
    remove_files(s);
    return 0;
  }
  make_pipe(output);
  if (is_piped) make_pipe(input);
  s->pid = fork();
  if (s->pid == 0) run(s, input[0], output[1]);
  close(output[1]);
  if (is_piped) close(input[0]);
  s->output = output[0];
  s->input = input[1];
  s->port = read_port(s->output);
  assert(s->port != 0);
  return 1;
}

int tls_server_start(tls_server *s) { return start(s, 0); }

int tls_server_start_piped(tls_server *s) { return start(s, 1); }

void tls_server_stop(tls_server *s) {
  kill(s->pid, SIGKILL);
  waitpid(s->pid, NULL, 0);
  close(s->output);
  if (s->input >= 0) close(s->input);
  remove_files(s);
}
