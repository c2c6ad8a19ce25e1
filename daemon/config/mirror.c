/*
 * The folder as a mirror of the store's present version.
 *
 * Digests of what was last written lie in a file of their own, so that a document
 * somebody edited is told from one that merely shows an older version because the
 * machine died between a publish and its mirror.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/parts.h"
#include "daemon/crypto/crypto.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { STATE_BYTES_MAX = 64 * 1024, STATE_LINE_BYTES = 256, FILE_MODE = 0640, SHOWN_BYTES = 200 };

#define STATE_HEAD "parley-mirror 1"

/* ---- files ---- */

static enum result write_all(int fd, struct slice bytes)
{
	while (bytes.len) {
		ssize_t count = write(fd, bytes.ptr, bytes.len);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return RESULT_IO;
		bytes = slice_after(bytes, (size_t)count);
	}
	return RESULT_OK;
}

/* The folder's group may read what lies in it; where we may not give it away, ours may. */
static void give_to_group(int folder, int fd)
{
	struct stat status;

	if (fstat(folder, &status) == 0 && fchown(fd, (uid_t)-1, status.st_gid) < 0)
		return;
}

enum result config_file_replace(int folder, const char *name, struct slice bytes, struct reason *reason)
{
	char temporary[CONFIG_NAME_BYTES_MAX + 16];
	int fd, length = snprintf(temporary, sizeof temporary, ".%s.new", name);
	bool is_written;

	if (length < 0 || (size_t)length >= sizeof temporary)
		return fail(reason, RESULT_LIMIT, "%s: the name is too long", name);
	if (unlinkat(folder, temporary, 0) < 0 && errno != ENOENT)
		return fail_errno(reason, RESULT_IO, "%s", temporary);
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return fail_errno(reason, RESULT_IO, "%s cannot be made", temporary);
	give_to_group(folder, fd);
	is_written = write_all(fd, bytes) == RESULT_OK && fsync(fd) == 0;
	if (!is_written)
		fail_errno(reason, RESULT_IO, "%s cannot be written", name);
	if (close(fd) < 0 && is_written) {
		is_written = false;
		fail_errno(reason, RESULT_IO, "%s cannot be written", name);
	}
	if (is_written && (renameat(folder, temporary, folder, name) < 0 || fsync(folder) < 0)) {
		is_written = false;
		fail_errno(reason, RESULT_IO, "%s cannot be put in its place", name);
	}
	if (is_written)
		return RESULT_OK;
	unlinkat(folder, temporary, 0);
	return RESULT_IO;
}

static bool has_bytes(const char *path, struct slice bytes)
{
	struct buffer text;
	bool is_same = config_file_read(path, geteuid(), &text, NULL) == RESULT_OK &&
	               slice_equal(buffer_slice(&text), bytes);

	buffer_stop(&text);
	return is_same;
}

/* ---- the digests ---- */

static void digest_line(struct slice name, struct slice bytes, char line[STATE_LINE_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_BYTES];

	crypto_sha256(bytes, digest);
	snprintf(line, STATE_LINE_BYTES, "%s %.*s", crypto_hex_write(digest, sizeof digest, hex),
	         SLICE_ARG(name));
}

static bool has_line(struct slice text, const char *wanted)
{
	struct slice line;

	while (slice_next(&text, '\n', &line))
		if (slice_equal(line, slice_of(wanted)))
			return true;
	return false;
}

/* The state file's lines; nothing when there is none, or one that is not ours. */
static void state_read(const char *path, struct buffer *out)
{
	struct slice head = SLICE(STATE_HEAD "\n");

	if (config_file_read(path, geteuid(), out, NULL) != RESULT_OK ||
	    !slice_starts(buffer_slice(out), head))
		buffer_clear(out);
}

/* Opens the folder that `path` lies in; `name` is its last part. */
static int open_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int fd;

	*name = slash ? slash + 1 : path;
	if (!slash)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	folder = mem_text(path);
	if (!folder) {
		errno = ENOMEM;
		return -1;
	}
	folder[slash - path + 1] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mem_free(folder);
	return fd;
}

static enum result state_write(const char *path, const struct config_printed *printed, struct reason *reason)
{
	const char *name;
	int folder = open_parent(path, &name);
	struct buffer text;
	enum result result;

	if (folder < 0)
		return fail_errno(reason, RESULT_IO, "%s", path);
	buffer_start(&text, STATE_BYTES_MAX);
	buffer_add(&text, SLICE(STATE_HEAD "\n"));
	for (size_t i = 0; i < printed->count; i++) {
		char line[STATE_LINE_BYTES];

		digest_line(printed->documents[i].name, printed->documents[i].bytes, line);
		buffer_printf(&text, "%s\n", line);
	}
	result = text.is_broken ? fail(reason, RESULT_NO_MEMORY, "out of memory")
	                        : config_file_replace(folder, name, buffer_slice(&text), reason);
	buffer_stop(&text);
	close(folder);
	return result;
}

/* ---- writing the mirror ---- */

static enum result write_documents(const char *folder, const struct config_printed *printed,
                                   struct reason *reason)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	enum result result = RESULT_OK;

	if (fd < 0)
		return fail_errno(reason, RESULT_IO, "folder %s", folder);
	for (size_t i = 0; i < printed->count && result == RESULT_OK; i++) {
		const struct config_document *document = &printed->documents[i];
		char *path = NULL;
		struct buffer words;

		buffer_start(&words, STATE_BYTES_MAX);
		if (buffer_printf(&words, "%s/%.*s", folder, SLICE_ARG(document->name)) &&
		    buffer_add_char(&words, '\0'))
			path = words.bytes;
		if (!path || !has_bytes(path, document->bytes))
			result = config_file_replace(fd, document->name.ptr, document->bytes, reason);
		buffer_stop(&words);
	}
	close(fd);
	return result;
}

enum result config_mirror_write(const char *folder, const char *state, const struct model_snapshot *snapshot,
                                uint64_t version, struct reason *reason)
{
	struct config_printed *printed = mem_new(sizeof *printed);
	enum result result;

	if (!printed)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	result = config_print_all(snapshot, version, printed, reason);
	if (result == RESULT_OK)
		result = write_documents(folder, printed, reason);
	if (result == RESULT_OK)
		result = state_write(state, printed, reason);
	config_printed_stop(printed);
	mem_free(printed);
	return result;
}

/* ---- what was edited ---- */

static struct slice printed_as(const struct config_printed *printed, struct slice name)
{
	for (size_t i = 0; i < printed->count; i++)
		if (slice_equal(printed->documents[i].name, name))
			return printed->documents[i].bytes;
	return SLICE_NONE;
}

static bool is_edited(const struct config_document *document, struct slice state,
                      const struct config_printed *now)
{
	char line[STATE_LINE_BYTES];

	digest_line(document->name, document->bytes, line);
	return !has_line(state, line) && !slice_equal(document->bytes, printed_as(now, document->name));
}

/* An old file that was laid back must not undo what was published since. */
static enum result check_bases(struct config_import *import, uint64_t version,
                               struct config_problems *problems)
{
	enum result result = RESULT_OK;

	for (size_t i = 0; i < import->edited_count; i++) {
		const struct config_document *edited = &import->edited[i];
		struct config_place place = { .file = edited->name,
			                      .allowed = "the present version, or no attribute version" };

		if (!version || !edited->version || edited->version == version)
			continue;
		config_problem_add(problems, &place,
		                   "was edited from version %llu, and version %llu is present",
		                   (unsigned long long)edited->version, (unsigned long long)version);
		result = RESULT_CONFLICT;
	}
	return result;
}

/* Blanks, order and attributes are no change: the same objects and comments print the same. */
static enum result is_changed(const struct config_import *import, const struct config_printed *now,
                              uint64_t version, bool *out, struct reason *reason)
{
	struct config_printed *then = mem_new(sizeof *then);
	enum result result;

	*out = false;
	if (!then)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	result = config_print_all(import->snapshot, version, then, reason);
	for (size_t i = 0; result == RESULT_OK && i < then->count; i++)
		*out |= !slice_equal(then->documents[i].bytes, now->documents[i].bytes);
	config_printed_stop(then);
	mem_free(then);
	return result;
}

static enum result read_edited(struct config_import *import, const struct model_snapshot *present,
                               uint64_t version, const struct config_printed *now,
                               struct config_problems *problems, struct reason *reason)
{
	bool has_changed = false;
	enum result result = config_read(import->edited, import->edited_count, present, &import->snapshot,
	                                 problems);
	enum result conflict = check_bases(import, version, problems);

	if (result == RESULT_NO_MEMORY)
		return fail(reason, result, "out of memory");
	if (conflict != RESULT_OK)
		result = conflict;
	if (result != RESULT_OK) {
		config_problems_reason(problems, reason);
		return result;
	}
	result = is_changed(import, now, version, &has_changed, reason);
	if (!has_changed)
		model_snapshot_free(&import->snapshot);
	return result;
}

enum result config_import(const struct config_folder *folder, const char *state,
                          const struct model_snapshot *present, uint64_t version,
                          struct config_import *import, struct config_problems *problems,
                          struct reason *reason)
{
	struct config_printed *now = mem_new(sizeof *now);
	struct buffer digests;
	enum result result;

	import->snapshot = NULL;
	import->edited_count = 0;
	if (!now)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	state_read(state, &digests);
	result = config_print_all(present, version, now, reason);
	for (size_t i = 0; result == RESULT_OK && i < folder->count; i++)
		if (is_edited(&folder->documents[i], buffer_slice(&digests), now))
			import->edited[import->edited_count++] = folder->documents[i];
	if (result == RESULT_OK && import->edited_count)
		result = read_edited(import, present, version, now, problems, reason);
	if (result != RESULT_OK)
		model_snapshot_free(&import->snapshot);
	config_printed_stop(now);
	mem_free(now);
	buffer_stop(&digests);
	return result;
}
