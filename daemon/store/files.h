/*
 * files: the few system calls the store makes, as a struct, so that a test can make the nth one fail.
 */
#ifndef DAEMON_STORE_FILES_H
#define DAEMON_STORE_FILES_H

#include <sys/types.h>

#include "shared/base/buffer.h"
#include "shared/base/result.h"

struct store_files {
	ssize_t (*write)(int fd, const void *bytes, size_t count);
	int (*sync)(int fd); /* fsync */
	int (*rename)(int folder, const char *from, const char *to);
	int (*truncate)(int fd, off_t length);
};
extern const struct store_files store_files_real;

/* All bytes of a regular file below `folder`, at most out->max. NOT_FOUND, LIMIT, IO, INVALID (no regular file). */
enum result store_file_read(int folder, const char *name, struct buffer *out, struct reason *reason);
/* Writes all of it; short writes are gone on with. */
enum result store_file_write_all(const struct store_files *files, int fd, struct slice bytes);
/* NAME.tmp written, synced, renamed over NAME, and the folder synced: the whole file or the old one. */
enum result store_file_replace(const struct store_files *files, int folder, const char *name,
                               struct slice bytes, struct reason *reason);

#endif
