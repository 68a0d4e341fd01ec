/* The lists of header lines that requests are sent with: they are checked, completed, and wiped when freed. */
#include "engine/internal.h"

#include "engine/ascii.h"

#include <stdlib.h>
#include <string.h>

/* Overwrites a secret. A compiler may drop a memset before free, but not these volatile stores. */
void tk_wipe(void *memory, size_t size) {
  volatile unsigned char *byte = (volatile unsigned char *)memory;
  while (size-- > 0) *byte++ = 0;
}

static int is_token(char c) { return tk_is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL); }

/* Headers that the engine, libcurl or a proxy writes. A second one could change whose request this is, where it goes or
   where it ends. */
static int is_reserved(const char *name, size_t size) {
  static const char *const names[] = {"accept-encoding", "authorization", "connection", "content-length", "cookie",
                                      "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
                                      "trailer", "transfer-encoding", "upgrade"};
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == size && tk_same_letters(name, names[i], size)) return 1;
  return 0;
}

int tk_header_is_reserved(const char *name) { return is_reserved(name, strlen(name)); }

/* Refuses control characters, among them CR and LF: libcurl would send them as they are, and so start a new header. */
static int is_header_line(const char *line) {
  size_t name_size = 0;
  const char *c;
  while (is_token(line[name_size])) name_size++;
  if (name_size == 0 || line[name_size] != ':' || is_reserved(line, name_size)) return 0;
  for (c = line + name_size; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 ? *c != '\t' : *c == 0x7f) return 0;
  return c[-1] != ':' && c[-1] != ' ';
}

static int append(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer == NULL) return 0;
  *list = longer;
  return 1;
}

/* Appends copies of the lines. 0 on failure; *bad is then the line that is not a valid header, or NULL if memory ran
   out. */
int tk_headers_add(struct curl_slist **list, const char *const *lines, size_t count, const char **bad) {
  size_t i;
  *bad = NULL;
  for (i = 0; i < count; i++) {
    if (!is_header_line(lines[i])) {
      *bad = lines[i];
      return 0;
    }
    if (!append(list, lines[i])) return 0;
  }
  return 1;
}

static int has_name_of(const struct curl_slist *list, const char *line) {
  size_t size = strcspn(line, ":") + 1;
  for (; list != NULL; list = list->next)
    if (tk_same_letters(list->data, line, size)) return 1;
  return 0;
}

static const char authorization[] = "Authorization: Basic ";

/* Appends those of `source` whose names are not in the list yet, so that a request's own header replaces the common
   one. Without `with_key` the Authorization is left out. 0: no memory. */
int tk_headers_copy(struct curl_slist **list, const struct curl_slist *source, int with_key) {
  for (; source != NULL; source = source->next) {
    if (!with_key && strncmp(source->data, authorization, sizeof authorization - 1) == 0) continue;
    if (!has_name_of(*list, source->data) && !append(list, source->data)) return 0;
  }
  return 1;
}

/* Wipes and frees a list, since it may hold the key. NULL is allowed. */
void tk_headers_free(struct curl_slist *list) {
  struct curl_slist *node;
  for (node = list; node != NULL; node = node->next) tk_wipe(node->data, strlen(node->data));
  curl_slist_free_all(list);
}

/* Adds the User-Agent, unless the list has one. As a header it costs half of what CURLOPT_USERAGENT costs: libcurl
   prints that option twice for each request, byte by byte. 0: no memory. */
int tk_headers_name_agent(struct curl_slist **list, const char *user_agent) {
  static const char prefix[] = "User-Agent: ";
  size_t size = strlen(user_agent);
  char *line;
  int done;
  if (has_name_of(*list, prefix)) return 1;
  line = (char *)malloc(sizeof prefix + size);
  if (line == NULL) return 0;
  memcpy(line, prefix, sizeof prefix - 1);
  memcpy(line + sizeof prefix - 1, user_agent, size + 1);
  done = append(list, line);
  free(line);
  return done;
}

/* Adds an Accept-Encoding. libcurl's own would name every encoding that it decodes, and be printed twice for each
   request, byte by byte (105 instructions a byte). 0: no memory. */
int tk_headers_accept_gzip(struct curl_slist **list) {
  static const char line[] = "Accept-Encoding: gzip";
  return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_LIBZ) == 0 || append(list, line);
}

static void base64(const unsigned char *in, size_t size, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t i;
  for (i = 0; i < size; i += 3) {
    unsigned long group = (unsigned long)in[i] << 16;
    if (i + 1 < size) group |= (unsigned long)in[i + 1] << 8;
    if (i + 2 < size) group |= (unsigned long)in[i + 2];
    *out++ = digits[group >> 18 & 63];
    *out++ = digits[group >> 12 & 63];
    *out++ = i + 1 < size ? digits[group >> 6 & 63] : '=';
    *out++ = i + 2 < size ? digits[group & 63] : '=';
  }
  *out = '\0';
}

/* Adds `Authorization: Basic …`, and wipes every copy of the password but the list's. 0: no memory. */
int tk_headers_authorize(struct curl_slist **list, const char *username, const char *password) {
  size_t pair_size = strlen(username) + 1 + strlen(password);
  size_t line_size = sizeof authorization + (pair_size + 2) / 3 * 4;
  char *pair = (char *)malloc(pair_size + 1);
  char *line = (char *)malloc(line_size);
  int done = 0;
  if (pair != NULL && line != NULL) {
    strcpy(pair, username);
    strcat(pair, ":");
    strcat(pair, password);
    strcpy(line, authorization);
    base64((const unsigned char *)pair, pair_size, line + sizeof authorization - 1);
    done = append(list, line);
  }
  if (pair != NULL) tk_wipe(pair, pair_size);
  if (line != NULL) tk_wipe(line, line_size);
  free(pair);
  free(line);
  return done;
}
