/* Files that are read as a whole: certificates and keys. */
#ifndef TK_FILE_H
#define TK_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* Reads a regular file. The caller frees the text, which ends with a NUL that does not count. `seen` is what stat
   said of the file before it was read. NULL: see errno. */
char *tk_file_read(const char *path, struct stat *seen, size_t *size);

/* Does the file look the same both times? If so, it was most likely neither written nor replaced in between. */
int tk_file_is_same(const struct stat *one, const struct stat *other);

/* A number that changes when a file is made or removed in one of the folders. Colons separate their names. 0: none of
   them exists. */
unsigned long long tk_folders_stamp(const char *folders);

/* A copy of the text, to be freed. NULL: no memory. */
char *tk_text_copy(const char *text);

#endif
