/* A loopback HTTP server for the engine's C tests, one thread a connection. What it does with a
   request is said by the request's path:

     /ok/N         answers 200 with the body "N"
     /state/S/…    answers 200 with a booking in the state S, as Timekit would
     /last/N       as /ok/N, and closes the connection afterwards without having announced it
     /die          closes the connection once the whole request has arrived, without an answer
     …/never       does not answer
     /big/N        answers with a body of N bytes
     /headers/N    answers with N header lines
     /interim      answers 103 without end

   Every complete request is counted. */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

typedef struct server server;

server *server_start(void);
void server_stop(server *s);
int server_port(const server *s);
int server_seen(server *s); /* complete requests so far */

/* Descriptors that this process has open, so that a test sees when one is left. */
int open_descriptors(void);

#endif
