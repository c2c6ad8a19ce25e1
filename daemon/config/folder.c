/*
 * A folder's documents, read only when nobody but root and the owner can have written them.
 *
 * Each file is opened without following a link and without waiting for a pipe's
 * other end, and then looked at through its descriptor, so that what was checked is
 * what is read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { READ_BYTES = 64 * 1024 };

bool config_name_is_good(struct slice name)
{
	if (name.len > CONFIG_NAME_BYTES_MAX || name.len <= strlen(".xml") ||
	    !slice_equal(slice_after(name, name.len - strlen(".xml")), SLICE(".xml")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);
		bool is_first = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!is_first && (i == 0 || (c != '.' && c != '_' && c != '-')))
			return false;
	}
	return true;
}

/* NULL, or who else could change it. */
static const char *trust_fault(const struct stat *status, uid_t owner)
{
	if (status->st_uid != 0 && status->st_uid != owner)
		return "belongs to another user than root and the daemon's";
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return "may be written by its group or by everybody";
	return NULL;
}

/* A folder in which everybody may make files (/tmp) is fine when it is root's and sticky. */
static const char *parent_fault(int folder, uid_t owner)
{
	struct stat status;

	if (fstatat(folder, "..", &status, 0) < 0)
		return "lies in a folder that cannot be looked at";
	if (status.st_uid == 0 && status.st_mode & S_ISVTX)
		return NULL;
	return trust_fault(&status, owner) ? "lies in a folder that others may write to" : NULL;
}

/* ---- one file ---- */

static enum result read_bytes(int fd, struct buffer *out, struct reason *why)
{
	for (;;) {
		size_t room = buffer_room(out) < READ_BYTES ? buffer_room(out) : READ_BYTES;
		char extra, *to = room ? buffer_reserve(out, room) : &extra;
		ssize_t count;

		if (!to)
			return fail(why, RESULT_NO_MEMORY, "out of memory");
		count = read(fd, to, room ? room : 1);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return fail_errno(why, RESULT_IO, "cannot be read");
		if (count == 0)
			return RESULT_OK;
		if (!room)
			return fail(why, RESULT_INVALID, "is larger than %zu bytes", out->max);
		buffer_grew(out, (size_t)count);
	}
}

static enum result check_file(int fd, uid_t owner, size_t max, struct stat *status, struct reason *why)
{
	const char *fault;

	if (fstat(fd, status) < 0)
		return fail_errno(why, RESULT_IO, "cannot be looked at");
	if (!S_ISREG(status->st_mode))
		return fail(why, RESULT_INVALID, "is not a regular file");
	if ((fault = trust_fault(status, owner)) != NULL)
		return fail(why, RESULT_INVALID, "%s", fault);
	if ((uint64_t)status->st_size > max)
		return fail(why, RESULT_INVALID, "is larger than %zu bytes", max);
	return RESULT_OK;
}

/* `folder` AT_FDCWD: `name` is a path. */
static enum result read_file(int folder, const char *name, uid_t owner, size_t max, struct buffer *out,
                             struct stat *status, struct reason *why)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	enum result result;

	buffer_start(out, max);
	if (fd < 0 && errno == ENOENT)
		return fail(why, RESULT_NOT_FOUND, "does not exist");
	if (fd < 0 && errno == ELOOP)
		return fail(why, RESULT_INVALID, "is a symbolic link");
	if (fd < 0 && (errno == ENXIO || errno == ENODEV))
		return fail(why, RESULT_INVALID, "is not a regular file");
	if (fd < 0)
		return fail_errno(why, RESULT_IO, "cannot be opened");
	result = check_file(fd, owner, max, status, why);
	if (result == RESULT_OK)
		result = read_bytes(fd, out, why);
	close(fd);
	return result;
}

static struct slice last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slice_of(slash ? slash + 1 : path);
}

enum result config_file_read(const char *path, uid_t owner, struct buffer *out, struct reason *reason)
{
	struct reason why;
	struct stat status;
	enum result result = read_file(AT_FDCWD, path, owner, config_document_bytes_max(last_part(path)), out,
	                               &status, &why);
	char shown[200];

	return result == RESULT_OK ? result
	                           : fail(reason, result, "%s %s",
	                                  text_shown(slice_of(path), shown, sizeof shown), why.text);
}

/* ---- the folder ---- */

static void refuse(struct config_problems *problems, struct slice name, const char *why)
{
	struct config_place place = { .file = name };

	config_problem_add(problems, &place, "%s", why);
}

/* False only out of memory. */
static bool add_file(int folder, const char *name, uid_t owner, struct config_folder *out,
                     struct config_problems *problems)
{
	struct slice kept = arena_copy(&out->arena, slice_of(name));
	struct buffer *text = &out->texts[out->count];
	struct stat status;
	struct reason why;
	enum result result;

	if (!kept.ptr)
		return false;
	result = read_file(folder, name, owner, config_document_bytes_max(kept), text, &status, &why);
	if (result != RESULT_OK) {
		buffer_stop(text);
		if (result != RESULT_NOT_FOUND &&
		    result != RESULT_NO_MEMORY) /* gone meanwhile: never there */
			refuse(problems, kept, why.text);
		return result != RESULT_NO_MEMORY;
	}
	out->documents[out->count++] = (struct config_document){
		.name = kept,
		.bytes = buffer_slice(text),
		.owner = status.st_uid,
		.modified_ms = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000
	};
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that count, in byte order; -1 out of memory, CONFIG_DOCUMENTS_MAX + 1 when there are more. */
static int list_names(DIR *directory, struct arena *arena, const char **names)
{
	int count = 0;
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL) {
		if (!config_name_is_good(slice_of(entry->d_name)))
			continue;
		if (count == CONFIG_DOCUMENTS_MAX)
			return CONFIG_DOCUMENTS_MAX + 1;
		names[count] = arena_text(arena, slice_of(entry->d_name));
		if (!names[count++])
			return -1;
	}
	qsort(names, (size_t)count, sizeof *names, by_name);
	return count;
}

static enum result read_folder(DIR *directory, uid_t owner, struct config_folder *out,
                               struct config_problems *problems, struct reason *reason)
{
	const char *names[CONFIG_DOCUMENTS_MAX];
	int count = list_names(directory, &out->arena, names);
	size_t found = problems->count;

	if (count > CONFIG_DOCUMENTS_MAX)
		return fail(reason, RESULT_LIMIT, "the folder holds more than %d documents",
		            CONFIG_DOCUMENTS_MAX);
	if (count < 0)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	for (int i = 0; i < count; i++)
		if (!add_file(dirfd(directory), names[i], owner, out, problems))
			return fail(reason, RESULT_NO_MEMORY, "%s: out of memory", names[i]);
	if (problems->count == found)
		return RESULT_OK;
	config_problems_reason(problems, reason);
	return RESULT_INVALID;
}

enum result config_folder_read(const char *path, uid_t owner, struct config_folder *out,
                               struct config_problems *problems, struct reason *reason)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory;
	struct stat status;
	const char *fault;
	char shown[200];
	enum result result;

	out->count = 0;
	arena_start(&out->arena, (size_t)CONFIG_DOCUMENTS_MAX * 1024);
	text_shown(slice_of(path), shown, sizeof shown);
	if (fd < 0)
		return fail_errno(reason, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "folder %s", shown);
	fault = fstat(fd, &status) < 0 ? "cannot be looked at" : trust_fault(&status, owner);
	if (!fault)
		fault = parent_fault(fd, owner);
	if (fault) {
		close(fd);
		return fail(reason, RESULT_DENIED, "folder %s %s", shown, fault);
	}
	directory = fdopendir(fd);
	if (!directory) {
		result = fail_errno(reason, RESULT_IO, "folder %s", shown);
		close(fd);
		return result;
	}
	result = read_folder(directory, owner, out, problems, reason);
	closedir(directory);
	return result;
}

void config_folder_stop(struct config_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		buffer_stop(&folder->texts[i]);
	folder->count = 0;
	arena_stop(&folder->arena);
}
