/*
 * config export: the documents of a version, each in pieces that fit a line.
 */
#include "daemon/keeper/parts.h"
#include "shared/base/text.h"

enum { EXPORT_KEPT_MS = 30 * 1000, EXPORT_NAMES_ROOM = 1024 };

void exports_free(struct keeper *k)
{
	if (k->exports.version)
		arena_stop(&k->exports.arena);
	k->exports = (struct exports){ .version = 0 };
}

void exports_second(struct keeper *k)
{
	if (k->exports.version && keeper_now(k).mono_ms - k->exports.used_ms > EXPORT_KEPT_MS)
		exports_free(k);
}

/* Reading and verifying an archive for every piece of it would be silly: the last one is kept for a while. */
static enum result fetch(struct keeper *k, uint64_t number, struct reason *reason)
{
	struct exports *kept = &k->exports;
	struct store_version version;
	enum result result = RESULT_OK;

	if (kept->version != number) {
		exports_free(k);
		arena_start(&kept->arena, 2 * (size_t)STORE_ARCHIVE_MAX);
		result = store_get(k->now.store, number, &kept->arena, &kept->documents, &kept->count,
		                   &version, reason);
		if (result == RESULT_OK)
			kept->version = number;
		else
			arena_stop(&kept->arena);
	}
	kept->used_ms = keeper_now(k).mono_ms;
	return result;
}

static const struct store_document *find(const struct exports *kept, struct slice name)
{
	for (size_t i = 0; i < kept->count; i++)
		if (slice_equal(kept->documents[i].name, name))
			return &kept->documents[i];
	return NULL;
}

static void answer_names(struct call *call)
{
	const struct exports *kept = &call->keeper->exports;
	struct json_writer *w = call_open(call);

	json_put_number(w, "version", (int64_t)kept->version);
	json_open_array(w, "documents");
	for (size_t i = 0; i < kept->count; i++) {
		json_open_object(w, NULL);
		json_put_slice(w, "name", kept->documents[i].name);
		json_put_number(w, "bytes", (int64_t)kept->documents[i].bytes.len);
		json_close_object(w);
	}
	json_close_array(w);
	call_close(call);
}

/* Never in the middle of a character. */
static struct slice cut(struct slice text, size_t max)
{
	size_t length = text.len < max ? text.len : max;

	while (length && length < text.len && ((unsigned char)text.ptr[length] & 0xc0) == 0x80)
		length--;
	return slice_first(text, length);
}

static void answer_piece(struct call *call, const struct store_document *document, uint64_t offset)
{
	struct slice rest = slice_after(document->bytes, offset), piece;
	size_t max = CONTROL_PIECE_MAX;

	/* Escaped it may be longer than a line: then less of it. */
	do {
		struct json_writer *w = call_open(call);

		piece = cut(rest, max);
		json_put_number(w, "version", (int64_t)call->keeper->exports.version);
		json_put_slice(w, "name", document->name);
		json_put_slice(w, "text", piece);
		if (piece.len < rest.len)
			json_put_number(w, "next", (int64_t)(offset + piece.len));
		else
			json_put_null(w, "next");
		max /= 2;
	} while (max > 64 && buffer_room(&call->out) < 64);
	call_close(call);
}

void verb_run_CONFIG_EXPORT(struct call *call)
{
	struct keeper *k = call->keeper;
	const struct json *given = json_get(call->params, "version");
	struct slice name = call_text(call, "document");
	const struct store_document *document;
	int64_t offset = json_as_number(json_get(call->params, "offset"), 0);
	uint64_t number = k->now.version.number;
	struct reason reason = { "" };
	enum result result;

	if (json_kind(given) == JSON_KIND_NUMBER)
		number = (uint64_t)json_as_number(given, 0);
	else if (given && !slice_to_number(json_as_slice(given), INT64_MAX, &number)) {
		call_fail(call, CONTROL_USAGE, "version is the number of a version");
		return;
	}
	if (number == 0 || (result = fetch(k, number, &reason)) == RESULT_NOT_FOUND) {
		call_fail(call, CONTROL_NOT_FOUND, "there is no version %llu", (unsigned long long)number);
		return;
	}
	if (result != RESULT_OK) {
		call_fail(call, control_code_of(result), "%s", reason.text);
		return;
	}
	if (name.len == 0) {
		answer_names(call);
		return;
	}
	document = find(&k->exports, name);
	if (!document)
		call_fail(call, CONTROL_NOT_FOUND, "version %llu has no such document",
		          (unsigned long long)number);
	else if (offset < 0 || (uint64_t)offset > document->bytes.len)
		call_fail(call, CONTROL_USAGE, "offset lies outside of the document");
	else
		answer_piece(call, document, (uint64_t)offset);
}
