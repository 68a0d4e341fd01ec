/* flock is beyond POSIX, and every system has it: Linux, the BSDs, macOS. The locks of fcntl end as soon as the process
   closes any descriptor of the file, one for reading say. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "engine/append.h"
#include "engine/platform.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#ifdef _WIN32

#include <sys/locking.h>

#define OPEN_FLAGS (O_RDWR | O_CREAT | O_APPEND | O_BINARY | O_NOINHERIT)
#define MODE (S_IREAD | S_IWRITE)
/* A lock keeps others from reading as well, so it is on a byte that no journal ever has. */
#define LOCKED_BYTE ((__int64)1 << 62)

int tk_append_lock(int fd) {
  if (_lseeki64(fd, LOCKED_BYTE, SEEK_SET) < 0) return -1;
  if (_locking(fd, _LK_NBLCK, 1) == 0) return 0;
  if (errno == EACCES) errno = EWOULDBLOCK;
  return -1;
}

int tk_append_sync(int fd) { return _commit(fd); }
/* There a name is as durable as the file. */
int tk_append_sync_name(const char *path) { return (void)path, 0; }
int tk_append_cut(int fd, double size) { return _chsize_s(fd, (__int64)size) == 0 ? 0 : -1; }

/* The numbers of files are not told there, so two names of one file look different. */
int tk_append_is_same(const char *one, const char *other) { return strcmp(one, other) == 0; }

#else

#include <limits.h>
#include <sys/file.h>

#define OPEN_FLAGS (O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK)
#define MODE (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)

int tk_append_lock(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

int tk_append_sync(int fd) {
#ifdef F_FULLFSYNC
  /* fsync leaves the data in the cache of the disk there. */
  if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
#endif
  return fsync(fd);
}

int tk_append_sync_name(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  size_t size = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
  int fd, failed, problem;
  if (size >= sizeof folder) return errno = ENAMETOOLONG, -1;
  memcpy(folder, slash == NULL ? "." : path, size);
  folder[size] = '\0';
  fd = open(folder, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  failed = fsync(fd);
  problem = errno;
  close(fd);
  errno = problem;
  /* Some file systems cannot sync a folder, and say so. */
  return failed && problem != EINVAL ? -1 : 0;
}

int tk_append_cut(int fd, double size) { return ftruncate(fd, (off_t)size); }

int tk_append_is_same(const char *one, const char *other) {
  struct stat of_one, of_other;
  if (stat(one, &of_one) != 0 || stat(other, &of_other) != 0) return 0;
  return of_one.st_dev == of_other.st_dev && of_one.st_ino == of_other.st_ino;
}

#endif

int tk_append_open(const char *path) {
  struct stat seen;
  int fd = open(path, OPEN_FLAGS, MODE);
  if (fd < 0) return -1;
  if (fstat(fd, &seen) == 0 && (seen.st_mode & S_IFMT) == S_IFREG) return fd;
  close(fd);
  errno = EINVAL;
  return -1;
}

int tk_append_write(int fd, const char *text, size_t size) {
  while (size > 0) {
    /* Windows takes an unsigned int. A line is far shorter. */
    ssize_t count = write(fd, text, size < 0x40000000 ? (unsigned)size : 0x40000000u);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    text += count;
    size -= (size_t)count;
  }
  return 0;
}

int tk_append_close(int fd) { return close(fd); }
