#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE /* the times of struct stat */

#include "engine/file.h"
#include "engine/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A bundle of all authorities has 0.2 MB. A much larger file is something else. */
#define LARGEST_FILE ((off_t)16 * 1024 * 1024)

/* 0: an error, or the file got shorter meanwhile. */
static int read_all(int fd, char *text, size_t size) {
  size_t have = 0;
  while (have < size) {
    ssize_t count = read(fd, text + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    have += (size_t)count;
  }
  return 1;
}

static char *read_open(int fd, struct stat *seen, size_t *size) {
  char *text;
  if (fstat(fd, seen) != 0) return NULL;
  errno = S_ISDIR(seen->st_mode) ? EISDIR : seen->st_size > LARGEST_FILE ? EFBIG : EINVAL;
  if (!S_ISREG(seen->st_mode) || seen->st_size > LARGEST_FILE) return NULL;
  *size = (size_t)seen->st_size;
  errno = ENOMEM;
  text = (char *)malloc(*size + 1);
  if (text == NULL) return NULL;
  errno = EIO;
  text[*size] = '\0';
  if (read_all(fd, text, *size)) return text;
  free(text);
  return NULL;
}

char *tk_file_read(const char *path, struct stat *seen, size_t *size) {
  char *text;
  int problem, fd = open(path, TK_READ_ONLY);
  if (fd < 0) return NULL;
  text = read_open(fd, seen, size);
  problem = errno;
  close(fd);
  errno = problem;
  return text;
}

int tk_file_is_same(const struct stat *one, const struct stat *other) {
  return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
         one->st_mtime == other->st_mtime && tk_modified_ns(one) == tk_modified_ns(other) &&
         one->st_ctime == other->st_ctime && tk_changed_ns(one) == tk_changed_ns(other);
}

static unsigned long long mixed(unsigned long long stamp, unsigned long long more) {
  return (stamp ^ more) * 1099511628211ull; /* FNV-1a */
}

unsigned long long tk_folders_stamp(const char *folders) {
  unsigned long long stamp = 14695981039346656037ull;
  char path[4096];
  int found = 0;
  while (*folders != '\0') {
    size_t size = strcspn(folders, ":");
    struct stat seen;
    if (size > 0 && size < sizeof path) {
      memcpy(path, folders, size);
      path[size] = '\0';
      if (stat(path, &seen) == 0) {
        found = 1;
        stamp = mixed(mixed(stamp, (unsigned long long)seen.st_dev), (unsigned long long)seen.st_ino);
        stamp = mixed(mixed(stamp, (unsigned long long)seen.st_mtime), (unsigned long long)tk_modified_ns(&seen));
      }
    }
    folders += size + (folders[size] == ':');
  }
  return found ? stamp : 0;
}

char *tk_text_copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = (char *)malloc(size);
  if (copy != NULL) memcpy(copy, text, size);
  return copy;
}
