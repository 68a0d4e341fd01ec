#define _GNU_SOURCE
#include "tls_server.h"

#include <assert.h>
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

int tls_server_start(tls_server *s) {
  int ends[2];
  memset(s, 0, sizeof *s);
  if (!make_certificate(s)) {
    remove_files(s);
    return 0;
  }
  if (pipe(ends) != 0) abort();
  s->pid = fork();
  if (s->pid == 0) {
    (void)freopen("/dev/null", "w", stderr); /* it complains of every client that goes away */
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", s->ca_file, "-key", s->key_file,
           "-num_tickets", "0", (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  s->output = ends[0];
  s->port = read_port(s->output);
  assert(s->port != 0);
  return 1;
}

void tls_server_stop(tls_server *s) {
  kill(s->pid, SIGKILL);
  waitpid(s->pid, NULL, 0);
  close(s->output);
  remove_files(s);
}
