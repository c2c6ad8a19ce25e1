#include "daemon/keeper/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/memory.h"

#define PRESENT_NAME "audit.log"
#define NEW_NAME     "audit.log.new"
#define HEAD_NAME    "audit.head"

enum { HEAD_BYTES = 20 + 1 + CRYPTO_SHA256_HEX_BYTES, TAIL_BYTES = 4 * AUDIT_LINE_MAX };

/* ---- lines ---- */

void audit_digest(struct slice line, char to[CRYPTO_SHA256_HEX_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];

	crypto_sha256(line, digest);
	crypto_hex_write(digest, sizeof digest, to);
}

bool audit_link_read(struct slice line, struct audit_link *out)
{
	struct json *entry = NULL;
	bool is_read = line.len && json_read(line, &entry, NULL) == RESULT_OK;
	int64_t number = is_read ? json_as_number(json_get(entry, "number"), 0) : 0;

	*out = (struct audit_link){ .number = number > 0 ? (uint64_t)number : 0 };
	if (is_read) {
		out->missing = (uint64_t)json_as_number(json_get(entry, "missing"), 0);
		out->torn = (uint64_t)json_as_number(json_get(entry, "torn"), 0);
		out->version = (uint64_t)json_as_number(json_get(entry, "version"), 0);
		out->is_asking = slice_equal(json_as_slice(json_get(entry, "outcome")), SLICE("asked"));
		slice_to_text(json_as_slice(json_get(entry, "verb")), out->verb, sizeof out->verb);
		if (!slice_to_text(json_as_slice(json_get(entry, "previous")), out->previous,
		                   sizeof out->previous))
			out->number = 0;
	}
	json_free(&entry);
	return out->number != 0;
}

/* ---- files ---- */

static int by_first(const void *a, const void *b)
{
	uint64_t one = ((const struct audit_file *)a)->first, other = ((const struct audit_file *)b)->first;

	return one < other ? -1 : one > other;
}

/* "audit-000000000123.log": 123. */
static bool is_old_name(const char *name, uint64_t *first)
{
	struct slice rest = slice_of(name);

	if (!slice_starts(rest, SLICE("audit-")) || rest.len < 11)
		return false;
	rest = slice_after(rest, 6);
	return slice_equal(slice_after(rest, rest.len - 4), SLICE(".log")) &&
	       slice_to_number(slice_first(rest, rest.len - 4), INT64_MAX, first);
}

size_t audit_files(int folder, struct audit_file *files, size_t max)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listed = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	size_t count = 0;

	while (listed && count + 1 < max && (entry = readdir(listed)) != NULL) {
		uint64_t first;

		if (!is_old_name(entry->d_name, &first))
			continue;
		files[count].first = first;
		snprintf(files[count++].name, sizeof files->name, "%.*s", AUDIT_NAME_BYTES - 1,
		         entry->d_name);
	}
	if (listed)
		closedir(listed);
	else if (copy >= 0)
		close(copy);
	qsort(files, count, sizeof *files, by_first);
	if (count < max && faccessat(folder, PRESENT_NAME, F_OK, AT_EACCESS) == 0) {
		files[count].first = UINT64_MAX;
		snprintf(files[count++].name, sizeof files->name, "%s", PRESENT_NAME);
	}
	return count;
}

/* ---- opening: how far the chain has come ---- */

/* The last line of a file, and what stands behind it; its first line's number. */
static enum result read_end(struct audit *audit, int fd, struct reason *reason)
{
	char *tail = mem_new(TAIL_BYTES);
	off_t end = lseek(fd, 0, SEEK_END), from = end > TAIL_BYTES ? end - TAIL_BYTES : 0;
	ssize_t got = tail && end >= 0 ? pread(fd, tail, TAIL_BYTES, from) : -1;
	struct slice rest = { tail, got > 0 ? (size_t)got : 0 };
	size_t line_end = 0;
	struct audit_link link;

	if (got < 0) {
		mem_free(tail);
		return fail_errno(reason, RESULT_IO, PRESENT_NAME);
	}
	while (rest.len) {
		size_t feed = slice_find(rest, '\n');
		struct slice line = slice_first(rest, feed);

		if (feed == rest.len)
			break;
		rest = slice_after(rest, feed + 1);
		if (!audit_link_read(line, &link))
			continue;
		audit->number = link.number;
		audit_digest(line, audit->digest);
		audit->unended = link.is_asking ? link.number : 0;
		audit->unended_version = link.version;
		memcpy(audit->unended_verb, link.verb, sizeof link.verb);
		line_end = (size_t)got - rest.len;
	}
	audit->torn = (uint64_t)got - line_end;
	audit->size = (uint64_t)end;
	mem_free(tail);
	return RESULT_OK;
}

static uint64_t first_number(int fd)
{
	char *room = mem_new(AUDIT_LINE_MAX);
	ssize_t got = room ? pread(fd, room, AUDIT_LINE_MAX, 0) : 0;
	struct slice line = { room, got > 0 ? (size_t)got : 0 };
	struct audit_link link = { .number = 0 };

	line = slice_first(line, slice_find(line, '\n'));
	audit_link_read(line, &link);
	mem_free(room);
	return link.number;
}

/* The head is believed where the files say less, or another last line: the chain goes on from what was written. */
static void compare_head(struct audit *audit)
{
	char text[HEAD_BYTES + 1] = "";
	ssize_t got = pread(audit->head, text, HEAD_BYTES, 0);
	struct slice whole = { text, got > 0 ? (size_t)got : 0 };
	uint64_t number;

	if (got < HEAD_BYTES - 1 || !slice_to_number(slice_first(whole, 20), INT64_MAX, &number) ||
	    number < audit->number)
		return;
	if (number > audit->number)
		audit->unended = 0;
	audit->missing = number - audit->number;
	audit->number = number;
	slice_to_text(slice_first(slice_after(whole, 21), CRYPTO_SHA256_HEX_BYTES - 1), audit->digest,
	              sizeof audit->digest);
}

static int open_file(int folder, const char *name, int how)
{
	return openat(folder, name, how | O_NOFOLLOW | O_CLOEXEC, 0600);
}

enum result audit_open(struct audit *audit, const char *folder, struct reason *reason)
{
	struct audit_file *files = mem_new_array(AUDIT_FILES_MAX, sizeof *files);
	size_t count;
	enum result result = RESULT_OK;

	*audit = (struct audit){ .fd = -1, .folder = -1, .head = -1, .file_max = AUDIT_FILE_MAX };
	memset(audit->digest, '0', sizeof audit->digest - 1);
	audit->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!files || audit->folder < 0) {
		mem_free(files);
		return files ? fail_errno(reason, RESULT_IO, "%s", folder)
		             : fail(reason, RESULT_NO_MEMORY, "out of memory");
	}
	count = audit_files(audit->folder, files, AUDIT_FILES_MAX);
	/* Between two files the chain ends in the old one. */
	for (size_t i = count; i-- > 0 && audit->number == 0 && result == RESULT_OK;) {
		int fd = open_file(audit->folder, files[i].name, O_RDONLY);

		result = fd >= 0 ? read_end(audit, fd, reason)
		                 : fail_errno(reason, RESULT_IO, "%s", files[i].name);
		if (fd >= 0)
			close(fd);
		if (i + 1 < count || files[i].first != UINT64_MAX)
			audit->torn = audit->size = 0;
	}
	mem_free(files);
	unlinkat(audit->folder, NEW_NAME, 0);
	if (result == RESULT_OK) {
		audit->fd = open_file(audit->folder, PRESENT_NAME, O_RDWR | O_APPEND | O_CREAT);
		audit->head = open_file(audit->folder, HEAD_NAME, O_RDWR | O_CREAT);
		if (audit->fd < 0 || audit->head < 0)
			result = fail_errno(reason, RESULT_IO, "%s/" PRESENT_NAME, folder);
	}
	if (result == RESULT_OK) {
		off_t size = lseek(audit->fd, 0, SEEK_END);

		audit->first = first_number(audit->fd);
		if (audit->size == 0 && size > 0) /* not one line in it */
			audit->torn = (uint64_t)size;
		audit->size = size > 0 ? (uint64_t)size : 0;
		compare_head(audit);
		/* A new file's name must last as its lines do. */
		if (fsync(audit->folder) != 0)
			result = fail_errno(reason, RESULT_IO, "%s", folder);
	}
	return result;
}

void audit_close(struct audit *audit)
{
	if (audit->fd >= 0)
		close(audit->fd);
	if (audit->head >= 0)
		close(audit->head);
	if (audit->folder >= 0)
		close(audit->folder);
	audit->fd = audit->head = audit->folder = -1;
}

/* ---- the next file ---- */

/* Whatever fails here, the old file goes on: it is only longer than it was meant to be. */
static void rotate(struct audit *audit)
{
	char name[AUDIT_NAME_BYTES];
	int fd;

	if (audit->first == 0 || audit->torn)
		return;
	snprintf(name, sizeof name, "audit-%012" PRIu64 ".log", audit->first);
	fd = open_file(audit->folder, NEW_NAME, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
	if (fd < 0 || renameat(audit->folder, PRESENT_NAME, audit->folder, name) != 0 ||
	    renameat(audit->folder, NEW_NAME, audit->folder, PRESENT_NAME) != 0 ||
	    fsync(audit->folder) != 0) {
		fprintf(stderr, "keeper: audit.log goes on: a new one cannot be begun: %m\n");
		renameat(audit->folder, name, audit->folder, PRESENT_NAME);
		unlinkat(audit->folder, NEW_NAME, 0);
		if (fd >= 0)
			close(fd);
		return;
	}
	close(audit->fd);
	audit->fd = fd;
	audit->first = audit->size = 0;
}

/* ---- writing ---- */

static void put_optional(struct json_writer *w, const char *key, const char *text)
{
	json_put_text(w, key, text ? text : "");
}

static struct slice cut(struct slice text, size_t max)
{
	return text.len > max ? slice_first(text, max) : text;
}

static void put_changes(struct json_writer *w, struct slice changes)
{
	struct json *list = NULL;
	size_t begin = w->out->end;

	if (changes.len == 0 || json_read(changes, &list, NULL) != RESULT_OK)
		return;
	json_open_array(w, "changes");
	for (size_t i = 0; i < json_count(list); i++) {
		struct buffer one;
		struct json_writer ones = json_write(&one);

		buffer_start(&one, AUDIT_CHANGES_MAX);
		json_write_value(&ones, NULL, json_at(list, i));
		if (!one.is_broken && w->out->end - begin + buffer_length(&one) < AUDIT_CHANGES_MAX)
			json_put_raw(w, NULL, buffer_slice(&one));
		buffer_stop(&one);
	}
	json_close_array(w);
	json_put_number(w, "changed", (int64_t)json_count(list));
	json_free(&list);
}

static void write_line(const struct audit *audit, int64_t wall_ms, const struct audit_entry *entry,
                       struct buffer *line)
{
	struct json_writer w = json_write(line);
	char time[INSTANT_TEXT_BYTES];

	instant_text(wall_ms, time);
	json_open_object(&w, NULL);
	json_put_number(&w, "number", (int64_t)(audit->number + 1));
	json_put_text(&w, "time", time);
	json_put_text(&w, "previous", audit->digest);
	if (audit->torn)
		json_put_number(&w, "torn", (int64_t)audit->torn + 1); /* and the line feed we close it by */
	if (audit->missing)
		json_put_number(&w, "missing", (int64_t)audit->missing);
	json_put_text(&w, "who", entry->who);
	json_put_number(&w, "uid", entry->uid);
	put_optional(&w, "login", entry->login);
	put_optional(&w, "address", entry->address);
	put_optional(&w, "roles", entry->roles);
	json_put_text(&w, "verb", entry->verb);
	json_put_slice(&w, "object", cut(entry->object, AUDIT_OBJECT_MAX));
	json_put_slice(&w, "command", cut(entry->command, AUDIT_OBJECT_MAX));
	json_put_text(&w, "outcome", entry->outcome);
	json_put_number(&w, "version", (int64_t)entry->version);
	if (entry->asked)
		json_put_number(&w, "asked", (int64_t)entry->asked);
	if (entry->unwritten)
		json_put_number(&w, "unwritten", (int64_t)entry->unwritten);
	put_changes(&w, entry->changes);
	json_close_object(&w);
}

/* Not synced: what is lost of it by a power cut is only that it knows less than the files do. */
static void remember_head(const struct audit *audit)
{
	char text[HEAD_BYTES + 1];

	snprintf(text, sizeof text, "%020" PRIu64 " %s\n", audit->number, audit->digest);
	if (pwrite(audit->head, text, HEAD_BYTES, 0) != HEAD_BYTES)
		fprintf(stderr, "keeper: audit.head cannot be written: %m\n");
}

static enum result append(struct audit *audit, struct slice bytes, struct slice line, struct reason *reason)
{
	ssize_t written = write(audit->fd, bytes.ptr, bytes.len);

	if (written > 0)
		audit->size += (uint64_t)written;
	if (written != (ssize_t)bytes.len) {
		audit->torn += written > 0 ? (uint64_t)written : 0;
		return written < 0 ? fail_errno(reason, RESULT_IO, "audit.log cannot be written")
		                   : fail(reason, RESULT_IO, "audit.log cannot be written: the disk is full");
	}
	/* Whole in the file, but nobody knows whether it lasts: it counts as a line, and the deed is not done. */
	audit->torn = audit->missing = 0;
	audit->number++;
	audit_digest(line, audit->digest);
	if (audit->first == 0)
		audit->first = audit->number;
	if (fdatasync(audit->fd) != 0)
		return fail_errno(reason, RESULT_IO, "audit.log cannot be made durable");
	remember_head(audit);
	return RESULT_OK;
}

enum result audit_write(struct audit *audit, int64_t wall_ms, const struct audit_entry *entry,
                        struct reason *reason)
{
	enum result result;
	struct buffer bytes;
	size_t skipped = audit->torn ? 1 : 0;

	if (audit->size >= audit->file_max)
		rotate(audit);
	buffer_start(&bytes, AUDIT_LINE_MAX);
	if (skipped)
		buffer_add_char(&bytes, '\n');
	write_line(audit, wall_ms, entry, &bytes);
	buffer_add_char(&bytes, '\n');
	if (bytes.is_broken) {
		result = fail(reason, RESULT_LIMIT, "the audit line is too long");
	} else {
		struct slice all = buffer_slice(&bytes);

		result = append(audit, all, slice_first(slice_after(all, skipped), all.len - skipped - 1),
		                reason);
	}
	buffer_stop(&bytes);
	return result;
}
