/* Checks the base URL and the proxy. Requests may go to any host over https, and over http to this machine only, unless
   the host allows more. */
#include "engine/internal.h"

#include "engine/ascii.h"
#include "engine/platform.h"

#include <stdlib.h>
#include <string.h>

/* These names are safe because libcurl resolves them to loopback by itself: `localhost` since 7.77, and every name that
   ends in `.localhost` since 7.86. */
static int is_local_name(const char *host) {
  static const char name[] = ".localhost";
  size_t size = strlen(host), name_size = sizeof name - 1;
  if (size == name_size - 1) return tk_same_letters(host, name + 1, size);
  return size > name_size && tk_same_letters(host + size - name_size, name, name_size) &&
         curl_version_info(CURLVERSION_NOW)->version_num >= 0x075600;
}

/* Any form of ::1, or of 127.x.x.x as an IPv6 address. `host` is in brackets. */
static int is_loopback6(const char *host) {
  static const unsigned char one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  static const unsigned char mapped[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  unsigned char address[16];
  char bare[INET6_ADDRSTRLEN];
  size_t size = strlen(host);
  if (size < 2 || size - 2 >= sizeof bare) return 0;
  memcpy(bare, host + 1, size - 2);
  bare[size - 2] = '\0';
  if (inet_pton(AF_INET6, bare, address) != 1) return 0;
  return memcmp(address, one, sizeof one) == 0 || memcmp(address, mapped, sizeof mapped) == 0;
}

/* `host` comes from libcurl, which writes every form of an IPv4 address as four decimal numbers. */
static int is_loopback(const char *host) {
  unsigned char address[4];
  if (host[0] == '[') return is_loopback6(host);
  if (inet_pton(AF_INET, host, address) == 1) return address[0] == 127;
  return is_local_name(host);
}

static int has(CURLU *url, CURLUPart part) {
  char *text = NULL;
  int there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return there;
}

static const char out_of_memory[] = "not enough memory";

/* See tk_origin_problem. `url` is an empty URL handle to work with. */
static const char *problem(CURLU *url, const char *base_url, int allow_http, int *plain) {
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
    text = "base_url: credentials do not belong in a URL";
  else if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT) || strpbrk(base_url, "?#") != NULL)
    text = "base_url: expected no query and no fragment";
  else if (base_url[size - 1] == '/')
    text = "base_url: expected no slash at the end";
  else if (strcmp(scheme, "https") == 0)
    *plain = 0;
  else if (strcmp(scheme, "http") == 0 && (allow_http || is_loopback(host)))
    *plain = 1;
  else
    text = "base_url: expected https, or http to a loopback address (the option allow_http takes other hosts)";
  curl_free(scheme);
  curl_free(host);
  return text;
}

const char *tk_origin_problem(const char *base_url, int allow_http, int *plain) {
  CURLU *url = curl_url();
  const char *text;
  if (url == NULL) return out_of_memory;
  text = problem(url, base_url, allow_http, plain);
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

/* Does something follow host and port? libcurl ends them at the first of these characters, so it would take a part of a
   password for the port. */
static int has_path(const char *proxy) {
  const char *start = strstr(proxy, "://"), *end;
  start = start == NULL ? proxy : start + 3;
  end = strpbrk(start, "/?#");
  return end != NULL && strcmp(end, "/") != 0;
}

/* The proxy that libcurl takes from the environment for https; NULL: none. */
const char *tk_environment_proxy(void) {
  static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    const char *proxy = getenv(names[i]);
    if (proxy != NULL && *proxy != '\0') return proxy;
  }
  return NULL;
}

/* Checked here because libcurl's own message would quote the proxy, with its password. */
const char *tk_proxy_problem(const char *proxy) {
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  static const char expected[] = "proxy: expected an http, https or socks URL";
  static const char no_path[] =
    "proxy: expected an http, https or socks URL without a path (in a password, / is %2F, ? is %3F and # is %23)";
  CURLU *url;
  CURLUcode code;
  char *scheme = NULL;
  const char *text = expected;
  size_t i;
  if (*proxy == '\0') return NULL;
  if (has_path(proxy)) return no_path;
  url = curl_url();
  if (url == NULL) return out_of_memory;
  code = curl_url_set(url, CURLUPART_URL, proxy, strstr(proxy, "://") ? CURLU_NON_SUPPORT_SCHEME : CURLU_GUESS_SCHEME);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
  if (code == CURLUE_OUT_OF_MEMORY) text = out_of_memory;
  if (code == CURLUE_OK)
    for (i = 0; i < sizeof schemes / sizeof *schemes; i++)
      if (strcmp(scheme, schemes[i]) == 0) text = NULL;
  curl_free(scheme);
  curl_url_cleanup(url);
  return text;
}
