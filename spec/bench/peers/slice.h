/* A slice of load, in C: what the peers that use libcurl directly share.

Every peer, in whichever language, is a program with the arguments URL PROTOCOL IN_FLIGHT WARMUP COUNT. PROTOCOL is h1 or
h2 (over TLS). It sends WARMUP + COUNT requests, IN_FLIGHT at a time, and prints for the last COUNT: their number, the
seconds that they took, and the seconds of CPU. An answer that is not the expected one ends it with status 1. From the
environment: BENCH_BODY (the request's), BENCH_BYTES (the answer's size), BENCH_AUTH (the header's value), BENCH_CA. */
#ifndef BENCH_SLICE_H
#define BENCH_SLICE_H

#include <curl/curl.h>
#include <stddef.h>

typedef struct slice {
  const char *url, *body, *ca;
  int http2;
  long in_flight, warmup, count;
  size_t bytes;
  struct curl_slist *headers;
  double began, cpu_began;
} slice;

/* A transfer that is used again and again. */
typedef struct transfer {
  CURL *easy;
  char *answer;
  size_t size, room;
} transfer;

void slice_read(slice *self, int argc, char **argv);
void slice_prepare(const slice *self, transfer *into);
void slice_check(const slice *self, transfer *done, CURLcode code);
void slice_begin(slice *self);
void slice_end(const slice *self);
void slice_fail(const char *message);

#endif
