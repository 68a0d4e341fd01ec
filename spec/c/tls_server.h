/* A loopback HTTPS server for the engine's C tests: OpenSSL's own, `openssl s_server -www`, which answers every GET with
   200 and closes. Its certificate is made on the spot. It hands out no tickets for later sessions: libcurl 7.88.1 frees
   one twice if it lacks the memory to keep it (Curl_ssl_addsessionid). */
#ifndef TEST_TLS_SERVER_H
#define TEST_TLS_SERVER_H

#include <sys/types.h>

typedef struct tls_server {
  pid_t pid;
  int output; /* of the program; it is stopped by a signal */
  int input;  /* likewise; -1: it has none */
  int port;
  char folder[32];
  char ca_file[64], key_file[64];
} tls_server;

/* 0 where there is no openssl program. */
int tls_server_start(tls_server *s);
/* The same, but it serves one connection, whose bytes come out of `output`, behind the program's own lines. It reads no
   more than `output` takes. What is written to `input` goes to the client, but for lines of one letter, which are
   commands of s_server. */
int tls_server_start_piped(tls_server *s);
void tls_server_stop(tls_server *s);

#endif
