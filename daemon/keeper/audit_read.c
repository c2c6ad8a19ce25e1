/*
 * audit_read: looking at what was written, newest first, and walking the chain from its first line.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/audit.h"
#include "shared/base/memory.h"

/* ---- which lines ---- */

const char audit_keys[] =
        "number time who uid login address roles verb object command outcome version changed";

bool audit_matches(struct slice line, const struct filter *filter)
{
	struct json *entry = NULL;
	bool does = json_read(line, &entry, NULL) == RESULT_OK &&
	            filter_holds(filter, filter_look_json, entry);

	json_free(&entry);
	return does;
}

/* ---- looking, newest first ---- */

struct look {
	struct audit_query *query;
	bool (*take)(void *to, struct slice line);
	void *to;
	bool is_over; /* older than asked for */
};

/* False: it was not taken. */
static bool offer(struct look *look, struct slice line)
{
	struct json *entry = NULL;
	struct slice time;
	bool is_taken = true;

	if (json_read(line, &entry, NULL) == RESULT_OK && json_as_number(json_get(entry, "number"), 0) > 0) {
		time = json_as_slice(json_get(entry, "time"));
		if (look->query->since.len && slice_compare(time, look->query->since) < 0)
			look->is_over = true;
		else if (filter_holds(look->query->filter, filter_look_json, entry))
			is_taken = look->take(look->to, line);
	}
	json_free(&entry);
	return is_taken;
}

/* Offers the lines of `bytes` from the last; how many of the bytes are left, at its front. */
static size_t offer_all(struct look *look, struct slice bytes, bool is_front, bool *goes_on)
{
	size_t end = bytes.len;

	*goes_on = true;
	while (end > 0) {
		size_t start = end - (bytes.ptr[end - 1] == '\n');

		while (start > 0 && bytes.ptr[start - 1] != '\n')
			start--;
		if (start == 0 && !is_front)
			break;
		*goes_on = offer(look, slice_first(slice_after(bytes, start),
		                                   end - start - (bytes.ptr[end - 1] == '\n')));
		if (!*goes_on || look->is_over)
			break;
		end = start;
	}
	/* A piece that holds no line at all (nothing of ours has the length) is passed over. */
	return end == bytes.len && *goes_on && !look->is_over ? 0 : end;
}

static const struct audit_file *file_of(const struct audit *audit, const struct audit_file *files,
                                        size_t count, uint64_t first)
{
	for (size_t i = count; i-- > 0;)
		if (first == 0 || files[i].first == first ||
		    (files[i].first == UINT64_MAX && audit->first == first))
			return &files[i];
	return NULL;
}

/* One piece of one file; true: there is more before it. */
static bool look_at_piece(const struct audit *audit, const struct audit_file *files,
                          const struct audit_file *file, struct look *look, size_t *scanned)
{
	struct audit_query *query = look->query;
	int fd = openat(audit->folder, file->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *room = mem_new(AUDIT_SCAN_MAX);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	uint64_t end = query->before_file && query->before_byte < (uint64_t)size ? query->before_byte
	                                                                         : (uint64_t)size;
	uint64_t from = end > AUDIT_SCAN_MAX ? end - AUDIT_SCAN_MAX : 0;
	ssize_t got = fd >= 0 && room ? pread(fd, room, (size_t)(end - from), (off_t)from) : 0;
	bool goes_on;
	size_t left = 0;

	if (got > 0)
		left = offer_all(look, (struct slice){ room, (size_t)got }, from == 0, &goes_on);
	*scanned += got > 0 ? (size_t)got - left : 0;
	if (fd >= 0)
		close(fd);
	mem_free(room);
	if (look->is_over)
		return false;
	if (from + left > 0) {
		query->before_file = file->first == UINT64_MAX ? audit->first : file->first;
		query->before_byte = from + left;
		return true;
	}
	if (file == files)
		return false;
	query->before_file = file[-1].first;
	query->before_byte = UINT64_MAX;
	return true;
}

struct stopper {
	bool (*take)(void *to, struct slice line);
	void *to;
	bool is_full;
};

static bool take_and_tell(void *to, struct slice line)
{
	struct stopper *stopper = to;

	stopper->is_full = !stopper->take(stopper->to, line);
	return !stopper->is_full;
}

bool audit_look(const struct audit *audit, struct audit_query *query,
                bool (*take)(void *to, struct slice line), void *to)
{
	struct audit_file *files = mem_new_array(AUDIT_FILES_MAX, sizeof *files);
	size_t count = files ? audit_files(audit->folder, files, AUDIT_FILES_MAX) : 0, scanned = 0;
	struct stopper stopper = { take, to, false };
	struct look look = { query, take_and_tell, &stopper, false };
	bool is_more = count > 0;

	while (is_more && !stopper.is_full && scanned < AUDIT_SCAN_MAX) {
		const struct audit_file *file = file_of(audit, files, count, query->before_file);

		is_more = file && look_at_piece(audit, files, file, &look, &scanned);
	}
	mem_free(files);
	return is_more;
}

/* ---- verifying, oldest first ---- */

struct audit_walk {
	struct audit_file files[AUDIT_FILES_MAX];
	size_t count, at;
	int folder, fd;
	uint64_t end_number; /* where the chain had come to when the walk began */
	char end_digest[CRYPTO_SHA256_HEX_BYTES];
	struct buffer in;
	uint64_t junk; /* bytes since the last line that are none */
	uint64_t number;
	char digest[CRYPTO_SHA256_HEX_BYTES];
	struct audit_verdict verdict;
};

enum { WALK_READ_BYTES = 256 * 1024, WALK_ROOM_BYTES = 512 * 1024, WALK_STEP_BYTES = 1024 * 1024 };

struct audit_walk *audit_walk_new(const struct audit *audit)
{
	struct audit_walk *walk = mem_new(sizeof *walk);

	if (!walk)
		return NULL;
	walk->count = audit_files(audit->folder, walk->files, AUDIT_FILES_MAX);
	walk->folder = fcntl(audit->folder, F_DUPFD_CLOEXEC, 0);
	walk->fd = -1;
	walk->end_number = audit->number;
	memcpy(walk->end_digest, audit->digest, sizeof walk->end_digest);
	walk->verdict.is_whole = true;
	buffer_start(&walk->in, WALK_ROOM_BYTES);
	return walk;
}

void audit_walk_free(struct audit_walk **walk)
{
	if (!*walk)
		return;
	if ((*walk)->fd >= 0)
		close((*walk)->fd);
	if ((*walk)->folder >= 0)
		close((*walk)->folder);
	buffer_stop(&(*walk)->in);
	mem_free(*walk);
	*walk = NULL;
}

/* The first fault is the verdict; nothing after it can be believed. */
__attribute__((format(printf, 3, 4))) static void find_fault(struct audit_walk *walk, uint64_t line,
                                                             const char *format, ...)
{
	va_list args;

	walk->verdict.is_whole = false;
	walk->verdict.line = line;
	snprintf(walk->verdict.file, sizeof walk->verdict.file, "%s",
	         walk->files[walk->at < walk->count ? walk->at : walk->count - 1].name);
	va_start(args, format);
	vsnprintf(walk->verdict.why.text, sizeof walk->verdict.why.text, format, args);
	va_end(args);
}

static void check_line(struct audit_walk *walk, struct slice line)
{
	struct audit_verdict *verdict = &walk->verdict;
	struct audit_link link;

	if (!audit_link_read(line, &link)) {
		walk->junk += line.len + 1;
		return;
	}
	if (walk->number && link.number != walk->number + 1)
		find_fault(walk, link.number, "line %" PRIu64 " is followed by line %" PRIu64, walk->number,
		           link.number);
	else if (walk->number && strcmp(link.previous, walk->digest) != 0)
		find_fault(walk, walk->number,
		           "line %" PRIu64 " is not what line %" PRIu64 " was written after", walk->number,
		           link.number);
	else if (!walk->number && link.number == 1 && strspn(link.previous, "0") != sizeof link.previous - 1)
		find_fault(walk, 1, "the first line says that there was one before it");
	else if (link.missing)
		find_fault(walk, link.number,
		           "when line %" PRIu64 " was written, the lines from %" PRIu64 " on were missing",
		           link.number, link.number - link.missing);
	else if (walk->junk != link.torn)
		find_fault(walk, link.number,
		           "before line %" PRIu64 " stand %" PRIu64
		           " bytes that are no line; it says %" PRIu64,
		           link.number, walk->junk, link.torn);
	verdict->torn += walk->junk > 0;
	walk->junk = 0;
	walk->number = link.number;
	audit_digest(line, walk->digest);
	verdict->lines++;
	verdict->last = link.number;
	if (!verdict->first)
		verdict->first = link.number;
}

/* Lines that came after the walk began are the next walk's. */
static bool has_arrived(const struct audit_walk *walk)
{
	return !walk->verdict.is_whole || (walk->end_number && walk->number >= walk->end_number);
}

static void finish(struct audit_walk *walk)
{
	if (!walk->verdict.is_whole)
		return;
	if (walk->number < walk->end_number)
		find_fault(walk, walk->number + 1,
		           "the chain had come to line %" PRIu64 "; from line %" PRIu64 " on it is missing",
		           walk->end_number, walk->number + 1);
	else if (walk->end_number && strcmp(walk->digest, walk->end_digest) != 0)
		find_fault(walk, walk->number, "line %" PRIu64 " is not the one that was written",
		           walk->number);
}

/* The lines that are whole in `in`. */
static void check_lines(struct audit_walk *walk)
{
	struct slice rest = buffer_slice(&walk->in);
	size_t taken = 0, feed;

	while (!has_arrived(walk) && (feed = slice_find(rest, '\n')) < rest.len) {
		check_line(walk, slice_first(rest, feed));
		rest = slice_after(rest, feed + 1);
		taken += feed + 1;
	}
	buffer_consume(&walk->in, taken);
	if (buffer_room(&walk->in) < WALK_READ_BYTES) { /* longer than any line of ours */
		walk->junk += buffer_length(&walk->in);
		buffer_clear(&walk->in);
	}
}

/* The bytes at a file's end that no line feed closes. */
static void end_file(struct audit_walk *walk)
{
	close(walk->fd);
	walk->fd = -1;
	if (buffer_length(&walk->in) && walk->at + 1 < walk->count)
		find_fault(walk, walk->number + 1, "the file ends in the middle of a line");
	buffer_clear(&walk->in);
	walk->at++;
}

enum result audit_walk_step(struct audit_walk *walk, struct audit_verdict *verdict)
{
	for (size_t read_bytes = 0; read_bytes < WALK_STEP_BYTES && !has_arrived(walk);) {
		char *room;
		ssize_t got;

		if (walk->fd < 0 && walk->at == walk->count)
			break;
		if (walk->fd < 0)
			walk->fd = openat(walk->folder, walk->files[walk->at].name,
			                  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		room = walk->fd >= 0 ? buffer_reserve(&walk->in, WALK_READ_BYTES) : NULL;
		got = room ? read(walk->fd, room, WALK_READ_BYTES) : -1;
		if (got < 0) {
			find_fault(walk, walk->number + 1, "the file cannot be read");
			break;
		}
		if (got == 0) {
			end_file(walk);
			continue;
		}
		read_bytes += (size_t)got;
		buffer_grew(&walk->in, (size_t)got);
		check_lines(walk);
		if (read_bytes >= WALK_STEP_BYTES && !has_arrived(walk))
			return RESULT_AGAIN;
	}
	finish(walk);
	*verdict = walk->verdict;
	return RESULT_OK;
}
