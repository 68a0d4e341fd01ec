#define _POSIX_C_SOURCE 200809L
#include "slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void slice_fail(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(1);
}

static const char *variable(const char *name) {
  const char *value = getenv(name);
  if (value == NULL) slice_fail(name);
  return value;
}

void slice_read(slice *self, int argc, char **argv) {
  char line[256];
  if (argc != 6) slice_fail("expected URL PROTOCOL IN_FLIGHT WARMUP COUNT");
  memset(self, 0, sizeof *self);
  self->url = argv[1];
  self->http2 = strcmp(argv[2], "h2") == 0;
  self->in_flight = atol(argv[3]);
  self->warmup = atol(argv[4]);
  self->count = atol(argv[5]);
  self->body = variable("BENCH_BODY");
  self->bytes = (size_t)atol(variable("BENCH_BYTES"));
  self->ca = getenv("BENCH_CA");
  snprintf(line, sizeof line, "Authorization: %s", variable("BENCH_AUTH"));
  self->headers = curl_slist_append(NULL, line);
  self->headers = curl_slist_append(self->headers, "Content-Type: application/json");
  curl_global_init(CURL_GLOBAL_ALL);
}

static size_t keep(char *bytes, size_t one, size_t count, void *user) {
  transfer *self = user;
  size_t size = one * count;
  if (size > self->room - self->size) return 0;
  memcpy(self->answer + self->size, bytes, size);
  self->size += size;
  return size;
}

void slice_prepare(const slice *self, transfer *into) {
  into->easy = curl_easy_init();
  into->size = 0;
  into->room = self->bytes;
  into->answer = malloc(self->bytes + 1);
  if (into->easy == NULL || into->answer == NULL) slice_fail("out of memory");
  curl_easy_setopt(into->easy, CURLOPT_URL, self->url);
  curl_easy_setopt(into->easy, CURLOPT_CUSTOMREQUEST, "PUT");
  curl_easy_setopt(into->easy, CURLOPT_POSTFIELDS, self->body);
  curl_easy_setopt(into->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(self->body));
  curl_easy_setopt(into->easy, CURLOPT_HTTPHEADER, self->headers);
  curl_easy_setopt(into->easy, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(into->easy, CURLOPT_WRITEDATA, into);
  curl_easy_setopt(into->easy, CURLOPT_PRIVATE, into);
  curl_easy_setopt(into->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(into->easy, CURLOPT_PROXY, "");
  if (self->ca != NULL) curl_easy_setopt(into->easy, CURLOPT_CAINFO, self->ca);
  curl_easy_setopt(into->easy, CURLOPT_HTTP_VERSION,
    self->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  if (self->http2) curl_easy_setopt(into->easy, CURLOPT_PIPEWAIT, 1L);
}

void slice_check(const slice *self, transfer *done, CURLcode code) {
  long status = 0, version = 0;
  if (code != CURLE_OK) slice_fail(curl_easy_strerror(code));
  curl_easy_getinfo(done->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(done->easy, CURLINFO_HTTP_VERSION, &version);
  if (status != 200 || done->size != self->bytes) slice_fail("an answer that was not expected");
  if ((version == CURL_HTTP_VERSION_2_0) != self->http2) slice_fail("not the HTTP version that was asked for");
  done->size = 0;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(const struct timeval *time) { return (double)time->tv_sec + (double)time->tv_usec / 1e6; }

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
}

void slice_begin(slice *self) {
  self->began = now();
  self->cpu_began = cpu();
}

void slice_end(const slice *self) {
  printf("%ld %.6f %.6f\n", self->count, now() - self->began, cpu() - self->cpu_began);
}
