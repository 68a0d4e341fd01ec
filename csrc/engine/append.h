/* A file that grows at its end only, and that one process at a time may write: a journal. Every function returns 0 or
   -1 on failure; see errno. */
#ifndef TK_APPEND_H
#define TK_APPEND_H

#include <stddef.h>

/* Opens a regular file, and makes it if there is none. Returns its descriptor. EINVAL: it is something else. */
int tk_append_open(const char *path);

/* Locks the file until it is closed, also by the end of the process. EWOULDBLOCK: another process has locked it. */
int tk_append_lock(int fd);

/* Hands all of the text to the system. After a failure some of it may be in the file. */
int tk_append_write(int fd, const char *text, size_t size);

/* Waits until the file is on the disk. */
int tk_append_sync(int fd);

/* The same for the file's name, once it was made. */
int tk_append_sync_name(const char *path);

/* Cuts the file to a size, in bytes. */
int tk_append_cut(int fd, double size);

int tk_append_close(int fd);

/* Whether two paths lead to the same file. 0 also if one of them leads to none. */
int tk_append_is_same(const char *one, const char *other);

#endif
