/* libcurl's multi interface: many requests in flight, nothing decoded. */
#include "slice.h"

#include <stdlib.h>

static long started, finished;

static void reap(slice *load, CURLM *multi) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    transfer *done;
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&done);
    slice_check(load, done, code);
    curl_multi_remove_handle(multi, easy);
    finished++;
    if (finished == load->warmup) slice_begin(load);
    if (started == load->warmup + load->count) continue;
    started++;
    curl_multi_add_handle(multi, easy);
  }
}

int main(int argc, char **argv) {
  slice load;
  transfer *transfers;
  CURLM *multi;
  int running;
  slice_read(&load, argc, argv);
  if (load.warmup < 1) slice_fail("expected a warm-up");
  multi = curl_multi_init();
  transfers = calloc((size_t)load.in_flight, sizeof *transfers);
  if (multi == NULL || transfers == NULL) slice_fail("out of memory");
  if (load.http2) {
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  }
  for (; started < load.in_flight; started++) {
    slice_prepare(&load, &transfers[started]);
    curl_multi_add_handle(multi, transfers[started].easy);
  }
  while (finished < load.warmup + load.count) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) slice_fail("curl_multi_perform");
    reap(&load, multi);
    if (finished < load.warmup + load.count && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
      slice_fail("curl_multi_poll");
  }
  slice_end(&load);
  return 0;
}
