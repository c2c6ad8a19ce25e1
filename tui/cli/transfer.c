#include "tui/cli/transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/base/text.h"
#include "tui/client/words.h"

enum {
	PIECE_ESCAPED_MAX = CONTROL_LINE_MAX - 1024,
	NAMES_BYTES_MAX = TRANSFER_FILES_MAX * TRANSFER_NAME_MAX
};

size_t transfer_piece(struct slice text)
{
	size_t taken = 0, escaped = 0;

	while (taken < text.len) {
		unsigned char c = (unsigned char)text.ptr[taken];
		size_t n = text_utf8_length(slice_after(text, taken));
		size_t cost = c == '\n' || c == '"' || c == '\\' ? 2 : c < 0x20 || c == 0x7f ? 6 : n;

		if (n == 0 || taken + n > CONTROL_PIECE_MAX || escaped + cost > PIECE_ESCAPED_MAX)
			break;
		taken += n;
		escaped += cost;
	}
	return taken;
}

/* An error answer as `code` and words; the first problem is the one to act on. */
static enum result take_error(const struct control_answer *answer, enum control_code *code,
                              struct reason *reason)
{
	const struct json *problem = json_at(answer->problems, 0);

	*code = answer->code;
	if (problem)
		return fail(reason, RESULT_INVALID, "%.*s: %.*s: %.*s", SLICE_ARG(answer->message),
		            SLICE_ARG(json_as_slice(json_get(problem, "path"))),
		            SLICE_ARG(json_as_slice(json_get(problem, "why"))));
	return fail(reason, RESULT_INVALID, "%.*s", SLICE_ARG(answer->message));
}

/* ---- up ---- */

static enum result read_file(int directory, const char *name, struct buffer *out, struct reason *reason)
{
	int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum result result = RESULT_OK;

	if (file < 0)
		return fail_errno(reason, RESULT_IO, "%s", name);
	for (;;) {
		size_t room = buffer_room(out) < 65536 ? buffer_room(out) : 65536;
		char *at = room ? buffer_reserve(out, room) : NULL;
		ssize_t got = at ? read(file, at, room) : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (!at)
			result = fail(reason, RESULT_LIMIT, _("%s: all documents together may have %d MiB"),
			              name, TRANSFER_BYTES_MAX / 1024 / 1024);
		else if (got < 0)
			result = fail_errno(reason, RESULT_IO, "%s", name);
		if (got <= 0)
			break;
		buffer_grew(out, (size_t)got);
	}
	close(file);
	if (result == RESULT_OK && !text_is_utf8(buffer_slice(out)))
		return fail(reason, RESULT_INVALID, _("%s is not UTF-8 text"), name);
	return result;
}

static enum result send_document(struct caller *caller, const char *name, struct slice text,
                                 int64_t timeout_ms, enum control_code *code, struct reason *reason)
{
	bool is_last = false;

	while (!is_last) {
		struct buffer params;
		struct json_writer w = json_write(&params);
		struct control_answer answer;
		size_t piece = transfer_piece(text);
		enum result result = RESULT_OK;

		is_last = piece == text.len;
		buffer_start(&params, CONTROL_LINE_MAX);
		json_open_object(&w, NULL);
		json_put_text(&w, "name", name);
		json_put_slice(&w, "text", slice_first(text, piece));
		json_put_bool(&w, "last", is_last);
		json_close_object(&w);
		caller_call(caller, "config.upload", buffer_slice(&params), timeout_ms, &answer);
		if (answer.code != CONTROL_OK)
			result = take_error(&answer, code, reason);
		control_answer_free(&answer);
		buffer_stop(&params);
		if (result != RESULT_OK)
			return result;
		text = slice_after(text, piece);
	}
	return RESULT_OK;
}

static int is_document(const struct dirent *entry)
{
	struct slice name = slice_of(entry->d_name);

	return name.len > 4 && name.ptr[0] != '.' && name.len < TRANSFER_NAME_MAX &&
	       slice_ends_nocase(name, SLICE(".xml"));
}

static enum result upload_names(struct caller *caller, int directory, struct dirent *const *entries,
                                int count, int64_t timeout_ms, enum control_code *code, struct reason *reason)
{
	enum result result = RESULT_OK;
	size_t total = 0;

	for (int i = 0; i < count && result == RESULT_OK; i++) {
		struct buffer text;

		buffer_start(&text, TRANSFER_BYTES_MAX - total);
		result = read_file(directory, entries[i]->d_name, &text, reason);
		total += buffer_length(&text);
		if (result == RESULT_OK)
			result = send_document(caller, entries[i]->d_name, buffer_slice(&text), timeout_ms,
			                       code, reason);
		buffer_stop(&text);
	}
	return result;
}

enum result transfer_upload(struct caller *caller, const char *directory, int64_t timeout_ms,
                            enum control_code *code, struct reason *reason)
{
	struct dirent **entries = NULL;
	int opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int count = opened < 0 ? -1 : scandirat(opened, ".", &entries, is_document, alphasort);
	enum result result;

	*code = CONTROL_INVALID;
	if (count < 0)
		result = fail_errno(reason, RESULT_IO, "%s", directory);
	else if (count == 0)
		result = fail(reason, RESULT_NOT_FOUND, _("%s holds no *.xml document"), directory);
	else if (count > TRANSFER_FILES_MAX)
		result = fail(reason, RESULT_LIMIT, _("%s holds more than %d documents"), directory,
		              TRANSFER_FILES_MAX);
	else
		result = upload_names(caller, opened, entries, count, timeout_ms, code, reason);
	for (int i = 0; i < count; i++)
		free(entries[i]); /* style: free, because scandir(3) used malloc */
	free(entries);            /* style: free, because scandir(3) used malloc */
	if (opened >= 0)
		close(opened);
	return result;
}

enum result transfer_send_file(struct caller *caller, const char *path, const char *as, int64_t timeout_ms,
                               enum control_code *code, struct reason *reason)
{
	bool is_input = slice_equal(slice_of(path), SLICE("-"));
	struct buffer text;
	enum result result;

	*code = CONTROL_INVALID;
	buffer_start(&text, TRANSFER_BYTES_MAX);
	result = read_file(AT_FDCWD, is_input ? "/dev/stdin" : path, &text, reason);
	if (result == RESULT_OK)
		result = send_document(caller, as, buffer_slice(&text), timeout_ms, code, reason);
	buffer_stop(&text);
	return result;
}

/* ---- down ---- */

static enum result fetch_document(struct caller *caller, struct slice name, int64_t version,
                                  int64_t timeout_ms, struct buffer *out, enum control_code *code,
                                  struct reason *reason)
{
	int64_t offset = 0;

	while (offset >= 0) {
		struct buffer params;
		struct json_writer w = json_write(&params);
		struct control_answer answer;
		int64_t next;

		buffer_start(&params, 1024);
		json_open_object(&w, NULL);
		json_put_number(&w, "version", version);
		json_put_slice(&w, "document", name);
		json_put_number(&w, "offset", offset);
		json_close_object(&w);
		caller_call(caller, "config.export", buffer_slice(&params), timeout_ms, &answer);
		buffer_stop(&params);
		if (answer.code != CONTROL_OK) {
			take_error(&answer, code, reason);
			control_answer_free(&answer);
			return RESULT_INVALID;
		}
		next = json_as_number(json_get(answer.result, "next"), -1);
		buffer_add(out, json_as_slice(json_get(answer.result, "text")));
		control_answer_free(&answer);
		*code = CONTROL_INTERNAL;
		if (out->is_broken)
			return fail(reason, RESULT_LIMIT, _("%.*s is larger than %d MiB"), SLICE_ARG(name),
			            TRANSFER_BYTES_MAX / 1024 / 1024);
		if (next >= 0 && next <= offset)
			return fail(reason, RESULT_INTERNAL, _("the daemon repeats itself in %.*s"),
			            SLICE_ARG(name));
		offset = next;
	}
	return RESULT_OK;
}

static enum result write_all_of(int file, struct slice text)
{
	while (text.len) {
		ssize_t written = write(file, text.ptr, text.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return RESULT_IO;
		text = slice_after(text, (size_t)written);
	}
	return RESULT_OK;
}

static enum result write_whole(int file, struct slice text)
{
	return write_all_of(file, text) == RESULT_OK && fsync(file) == 0 ? RESULT_OK : RESULT_IO;
}

/* Beside the file, then over it: who reads the directory sees the old document or the new one. */
static enum result replace_file(int directory, const char *name, struct slice text, struct reason *reason)
{
	char beside[TRANSFER_NAME_MAX + 8];
	enum result result;
	int file;

	snprintf(beside, sizeof beside, ".%s.new", name);
	file = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (file < 0)
		return fail_errno(reason, RESULT_IO, "%s", beside);
	result = write_whole(file, text);
	if (close(file) != 0 || result != RESULT_OK || renameat(directory, beside, directory, name) != 0) {
		fail_errno(reason, RESULT_IO, "%s", name);
		unlinkat(directory, beside, 0);
		return RESULT_IO;
	}
	return RESULT_OK;
}

enum result transfer_write_file(const char *path, struct slice text, struct reason *reason)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0640);
	enum result result;

	if (file < 0)
		return fail_errno(reason, RESULT_IO, "%s", path);
	result = write_all_of(file, text);
	if (close(file) != 0 || result != RESULT_OK)
		return fail_errno(reason, RESULT_IO, "%s", path);
	return RESULT_OK;
}

/* Beside the old one, and in its place only when it is whole. */
static enum result replace_whole(const char *path, struct slice text, struct reason *reason)
{
	char beside[TRANSFER_PATH_MAX + 8];
	enum result result;

	snprintf(beside, sizeof beside, "%s.new", path);
	result = transfer_keep_file(beside, text, false, reason);
	if (result == RESULT_OK && rename(beside, path) != 0) {
		result = fail_errno(reason, RESULT_IO, "%s", path);
		unlink(beside);
	}
	return result;
}

enum result transfer_keep_file(const char *path, struct slice text, bool replaces, struct reason *reason)
{
	enum result result;
	int file;

	if (replaces)
		return replace_whole(path, text, reason);
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (file < 0)
		return fail_errno(reason, errno == EEXIST ? RESULT_EXISTS : RESULT_IO, "%s", path);
	result = write_whole(file, text);
	if (close(file) != 0 || result != RESULT_OK) {
		result = fail_errno(reason, RESULT_IO, "%s", path);
		unlink(path);
	}
	return result;
}

/* The name came over the wire: it may name a file in the directory and nothing else. */
static bool is_plain_name(struct slice name, char to[TRANSFER_NAME_MAX])
{
	return name.len && name.ptr[0] != '.' && slice_find(name, '/') == name.len &&
	       slice_to_text(name, to, TRANSFER_NAME_MAX);
}

enum result transfer_download(struct caller *caller, const struct json *listing, const char *directory,
                              FILE *out, int64_t timeout_ms, enum control_code *code, struct reason *reason)
{
	const struct json *documents = json_get(listing, "documents");
	bool goes_out = !directory || slice_equal(slice_of(directory), SLICE("-"));
	int opened = -1;
	enum result result = RESULT_OK;

	*code = CONTROL_INVALID;
	if (!goes_out && mkdir(directory, 0750) != 0 && errno != EEXIST)
		return fail_errno(reason, RESULT_IO, "%s", directory);
	if (!goes_out && (opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return fail_errno(reason, RESULT_IO, "%s", directory);
	for (size_t i = 0; i < json_count(documents) && result == RESULT_OK; i++) {
		char name[TRANSFER_NAME_MAX];
		struct buffer text;

		if (!is_plain_name(json_as_slice(json_get(json_at(documents, i), "name")), name)) {
			result = fail(reason, RESULT_INVALID,
			              _("the daemon named a document as no file may be named"));
			break;
		}
		buffer_start(&text, TRANSFER_BYTES_MAX);
		result = fetch_document(caller, slice_of(name),
		                        json_as_number(json_get(listing, "version"), 0), timeout_ms, &text,
		                        code, reason);
		if (result == RESULT_OK && goes_out)
			fwrite(buffer_slice(&text).ptr, 1, buffer_length(&text), out);
		else if (result == RESULT_OK)
			result = replace_file(opened, name, buffer_slice(&text), reason);
		buffer_stop(&text);
	}
	if (opened >= 0)
		close(opened);
	return result;
}
