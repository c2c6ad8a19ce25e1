#include "daemon/store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/store.h"

static int rename_in(int folder, const char *from, const char *to)
{
	return renameat(folder, from, folder, to);
}

const struct store_files store_files_real = {
	.write = write, .sync = fsync, .rename = rename_in, .truncate = ftruncate
};

enum result store_file_read(int folder, const char *name, struct buffer *out, struct reason *reason)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	enum result result = RESULT_OK;
	char *at;
	ssize_t n;

	if (fd < 0)
		return fail_errno(reason, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "cannot open %s",
		                  name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		result = fail(reason, RESULT_INVALID, "%s is not a regular file", name);
		goto out;
	}
	if (st.st_size < 0 || (uint64_t)st.st_size > buffer_room(out)) {
		result = fail(reason, RESULT_LIMIT, "%s is larger than %zu bytes", name, out->max);
		goto out;
	}
	for (off_t left = st.st_size; left > 0; left -= n) {
		at = buffer_reserve(out, (size_t)left);
		if (!at) {
			result = fail(reason, RESULT_NO_MEMORY, "no memory for %s", name);
			goto out;
		}
		do
			n = read(fd, at, (size_t)left);
		while (n < 0 && errno == EINTR);
		if (n < 0) {
			result = fail_errno(reason, RESULT_IO, "cannot read %s", name);
			goto out;
		}
		if (n == 0)
			break;
		buffer_grew(out, (size_t)n);
	}
out:
	close(fd);
	return result;
}

enum result store_file_write_all(const struct store_files *files, int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = files->write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return RESULT_IO;
		bytes = slice_after(bytes, (size_t)n);
	}
	return RESULT_OK;
}

enum result store_file_replace(const struct store_files *files, int folder, const char *name,
                               struct slice bytes, struct reason *reason)
{
	char temporary[STORE_NAME_MAX + 8];
	int fd;
	enum result result = RESULT_OK;

	snprintf(temporary, sizeof temporary, "%.*s.tmp", STORE_NAME_MAX, name);
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(reason, RESULT_IO, "cannot make %s", temporary);
	if (store_file_write_all(files, fd, bytes) != RESULT_OK || files->sync(fd) != 0)
		result = fail_errno(reason, RESULT_IO, "cannot write %s", temporary);
	close(fd);
	if (result == RESULT_OK && files->rename(folder, temporary, name) != 0)
		result = fail_errno(reason, RESULT_IO, "cannot rename %s to %s", temporary, name);
	if (result == RESULT_OK && files->sync(folder) != 0)
		result = fail_errno(reason, RESULT_IO, "cannot sync the folder of %s", name);
	if (result != RESULT_OK)
		unlinkat(folder, temporary, 0);
	return result;
}
