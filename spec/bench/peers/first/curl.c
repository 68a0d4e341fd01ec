/* libcurl: one request in a fresh process. It prints the answer as it came. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  struct curl_slist *headers = NULL;
  char line[256];
  CURL *easy;
  CURLcode code;
  if (argc != 2) return 1;
  curl_global_init(CURL_GLOBAL_ALL);
  easy = curl_easy_init();
  snprintf(line, sizeof line, "Authorization: %s", getenv("BENCH_AUTH"));
  headers = curl_slist_append(headers, line);
  headers = curl_slist_append(headers, "Content-Type: application/json");
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, getenv("BENCH_BODY"));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  code = curl_easy_perform(easy);
  if (code != CURLE_OK) fprintf(stderr, "%s\n", curl_easy_strerror(code));
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  return code != CURLE_OK;
}
