/* Checks the base URL and the proxy. Requests may go to any host over https, and over http to this machine only. */
#include "engine/internal.h"

#include "engine/ascii.h"

#include <stdlib.h>
#include <string.h>

/* `host` comes from libcurl, which writes every form of an IPv4 address as four decimal numbers. `localhost` is safe:
   since 7.77 libcurl resolves it to loopback by itself. */
static int is_loopback(const char *host) {
  size_t dots = 0;
  const char *c;
  if (tk_same_letters(host, "localhost", sizeof "localhost") || strcmp(host, "[::1]") == 0) return 1;
  if (strncmp(host, "127.", 4) != 0) return 0;
  for (c = host; *c != '\0'; c++) {
    if (*c == '.') dots++;
    else if (*c < '0' || *c > '9') return 0;
  }
  return dots == 3;
}

static int has(CURLU *url, CURLUPart part) {
  char *text = NULL;
  int there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return there;
}

static const char out_of_memory[] = "not enough memory";

/* See tk_origin_problem. `url` is an empty URL handle to work with. */
static const char *problem(CURLU *url, const char *base_url, int *plain) {
  char *scheme = NULL, *host = NULL;
  const char *text = NULL;
  size_t size = strlen(base_url);
  CURLUcode code = curl_url_set(url, CURLUPART_URL, base_url, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_HOST, &host, 0);
  if (code == CURLUE_OUT_OF_MEMORY)
    text = out_of_memory;
  else if (code != CURLUE_OK)
    text = "base_url: expected a URL such as https://api.timekit.io/v2";
  else if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
    text = "base_url: credentials do not belong into a URL";
  else if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT) || strpbrk(base_url, "?#") != NULL)
    text = "base_url: expected no query and no fragment";
  else if (base_url[size - 1] == '/')
    text = "base_url: expected no slash at the end";
  else if (strcmp(scheme, "https") == 0)
    *plain = 0;
  else if (strcmp(scheme, "http") == 0 && is_loopback(host))
    *plain = 1;
  else
    text = "base_url: expected https, or http to a loopback address";
  curl_free(scheme);
  curl_free(host);
  return text;
}

const char *tk_origin_problem(const char *base_url, int *plain) {
  CURLU *url = curl_url();
  const char *text;
  if (url == NULL) return out_of_memory;
  text = problem(url, base_url, plain);
  curl_url_cleanup(url);
  return text;
}

/* The path of a valid base URL, as libcurl would send it; "" if it has none. The caller frees it. NULL: no memory. */
char *tk_base_path(const char *base_url) {
  CURLU *url = curl_url();
  char *path = NULL, *copy = NULL;
  if (url != NULL && curl_url_set(url, CURLUPART_URL, base_url, CURLU_PATH_AS_IS) == CURLUE_OK &&
      curl_url_get(url, CURLUPART_PATH, &path, CURLU_URLENCODE) == CURLUE_OK) {
    size_t size = strcmp(path, "/") == 0 ? 0 : strlen(path);
    copy = (char *)malloc(size + 1);
    if (copy != NULL) {
      memcpy(copy, path, size);
      copy[size] = '\0';
    }
  }
  curl_free(path);
  curl_url_cleanup(url);
  return copy;
}

/* Checked here because libcurl's own message would quote the proxy, with its password. */
const char *tk_proxy_problem(const char *proxy) {
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  static const char expected[] = "proxy: expected an http, https or socks URL";
  CURLU *url;
  CURLUcode code;
  char *scheme = NULL;
  const char *text = expected;
  size_t i;
  if (*proxy == '\0') return NULL;
  url = curl_url();
  if (url == NULL) return out_of_memory;
  code = curl_url_set(url, CURLUPART_URL, proxy, strstr(proxy, "://") ? CURLU_NON_SUPPORT_SCHEME : CURLU_GUESS_SCHEME);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
  if (code == CURLUE_OUT_OF_MEMORY) text = out_of_memory;
  if (code == CURLUE_OK)
    for (i = 0; i < sizeof schemes / sizeof *schemes; i++)
      if (tk_same_letters(scheme, schemes[i], strlen(schemes[i]) + 1)) text = NULL;
  curl_free(scheme);
  curl_url_cleanup(url);
  return text;
}
