#include "daemon/store/archive.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/crypto/crypto.h"

enum {
	USTAR_BLOCK = 512,
	USTAR_NAME = 100,
	USTAR_SIZE_AT = 124,
	USTAR_SIZE_LENGTH = 12,
	USTAR_CHECKSUM_AT = 148,
	USTAR_TYPE_AT = 156,
	MANIFEST_ROOM = 256 * 1024
};

static const char manifest_name[] = "manifest.xml";

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool archive_name_is_good(struct slice name)
{
	if (name.len == 0 || name.len > STORE_NAME_MAX || !is_name_char(name.ptr[0]) ||
	    slice_equal(name, SLICE(manifest_name)))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!is_name_char(name.ptr[i]) && name.ptr[i] != '.' && name.ptr[i] != '_' &&
		    name.ptr[i] != '-')
			return false;
	return true;
}

/* ---- one ustar header: only name, size and checksum differ between two of ours ---- */

static void put_octal(char *to, size_t digits, uint64_t value)
{
	for (size_t i = digits; i-- > 0; value >>= 3)
		to[i] = (char)('0' + (value & 7));
}

static void make_header(char header[USTAR_BLOCK], struct slice name, uint64_t size)
{
	unsigned sum = 0;

	memset(header, 0, USTAR_BLOCK);
	memcpy(header, name.ptr, name.len);
	put_octal(header + 100, 7, 0600); /* mode */
	put_octal(header + 108, 7, 0);    /* uid */
	put_octal(header + 116, 7, 0);    /* gid */
	put_octal(header + USTAR_SIZE_AT, 11, size);
	put_octal(header + 136, 11, 0); /* time */
	header[USTAR_TYPE_AT] = '0';
	memcpy(header + 257,
	       "ustar\0"
	       "00",
	       8);
	memset(header + USTAR_CHECKSUM_AT, ' ', 8);
	for (size_t i = 0; i < USTAR_BLOCK; i++)
		sum += (unsigned char)header[i];
	put_octal(header + USTAR_CHECKSUM_AT, 6, sum);
	header[USTAR_CHECKSUM_AT + 6] = '\0';
}

static void add_file(struct buffer *out, struct slice name, struct slice bytes)
{
	static const char zeroes[USTAR_BLOCK];
	char header[USTAR_BLOCK];

	make_header(header, name, bytes.len);
	buffer_add(out, (struct slice){ header, sizeof header });
	buffer_add(out, bytes);
	if (bytes.len % USTAR_BLOCK)
		buffer_add(out, (struct slice){ zeroes, USTAR_BLOCK - bytes.len % USTAR_BLOCK });
}

/* ---- writing ---- */

static void digest_of(struct slice bytes, char to[STORE_DIGEST_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];

	crypto_sha256(bytes, digest);
	crypto_hex_write(digest, sizeof digest, to);
}

static int by_name(const void *a, const void *b)
{
	return slice_compare(((const struct store_document *)a)->name,
	                     ((const struct store_document *)b)->name);
}

static enum result sort_and_list(struct store_document *sorted, size_t count, struct manifest_entry *entries,
                                 struct reason *reason)
{
	qsort(sorted, count, sizeof *sorted, by_name);
	for (size_t i = 0; i < count; i++) {
		if (!archive_name_is_good(sorted[i].name))
			return fail(reason, RESULT_INVALID, "document %zu has a name that is not allowed",
			            i + 1);
		if (i > 0 && slice_equal(sorted[i].name, sorted[i - 1].name))
			return fail(reason, RESULT_INVALID, "document %.*s is there twice",
			            SLICE_ARG(sorted[i].name));
		entries[i].name = sorted[i].name;
		entries[i].size = sorted[i].bytes.len;
		digest_of(sorted[i].bytes, entries[i].digest);
	}
	return RESULT_OK;
}

enum result archive_write(struct store_version *version, const struct store_document *documents, size_t count,
                          struct buffer *out, struct reason *reason)
{
	static const char end[2 * USTAR_BLOCK];
	struct store_document sorted[STORE_DOCUMENTS_MAX];
	struct manifest_entry entries[STORE_DOCUMENTS_MAX];
	struct buffer manifest;
	enum result result;

	if (count > STORE_DOCUMENTS_MAX)
		return fail(reason, RESULT_LIMIT, "%zu documents; at most %d", count, STORE_DOCUMENTS_MAX);
	if (count)
		memcpy(sorted, documents, count * sizeof *sorted);
	if ((result = sort_and_list(sorted, count, entries, reason)) != RESULT_OK)
		return result;
	buffer_start(&manifest, MANIFEST_ROOM);
	manifest_write(version, entries, count, &manifest);
	add_file(out, SLICE(manifest_name), buffer_slice(&manifest));
	if (manifest.is_broken)
		out->is_broken = true;
	buffer_stop(&manifest);
	for (size_t i = 0; i < count; i++)
		add_file(out, sorted[i].name, sorted[i].bytes);
	buffer_add(out, (struct slice){ end, sizeof end });
	if (out->is_broken)
		return fail(reason, RESULT_LIMIT, "the documents are larger than %d bytes together",
		            STORE_ARCHIVE_MAX);
	digest_of(buffer_slice(out), version->digest);
	return RESULT_OK;
}

/* ---- reading ---- */

/* The next file of *rest; *is_end at the two empty blocks. */
static enum result take_file(struct slice *rest, struct slice *name, struct slice *bytes, bool *is_end,
                             struct reason *reason)
{
	char expected[USTAR_BLOCK];
	uint64_t size = 0;

	*is_end = false;
	if (rest->len < USTAR_BLOCK)
		return fail(reason, RESULT_INVALID, "the archive ends in the middle of a header");
	if (rest->ptr[0] == '\0') {
		for (size_t i = 0; i < rest->len; i++)
			if (rest->ptr[i] != '\0' || rest->len != 2 * USTAR_BLOCK)
				return fail(reason, RESULT_INVALID, "the archive does not end as it should");
		*is_end = true;
		return RESULT_OK;
	}
	*name = (struct slice){ rest->ptr, strnlen(rest->ptr, USTAR_NAME) };
	if (!archive_name_is_good(*name) && !slice_equal(*name, SLICE(manifest_name)))
		return fail(reason, RESULT_INVALID, "the archive holds a name that is not allowed");
	for (size_t i = 0; i < 11; i++) {
		char c = rest->ptr[USTAR_SIZE_AT + i];

		if (c < '0' || c > '7')
			return fail(reason, RESULT_INVALID, "%.*s: the size is not a number",
			            SLICE_ARG(*name));
		size = size << 3 | (uint64_t)(c - '0');
	}
	/* One form only: no links, owners, times or modes to think about. */
	make_header(expected, *name, size);
	if (memcmp(expected, rest->ptr, USTAR_BLOCK) != 0)
		return fail(reason, RESULT_INVALID, "%.*s: the header is not in its canonical form",
		            SLICE_ARG(*name));
	*rest = slice_after(*rest, USTAR_BLOCK);

	uint64_t padded = (size + USTAR_BLOCK - 1) / USTAR_BLOCK * USTAR_BLOCK;

	if (padded > rest->len)
		return fail(reason, RESULT_INVALID, "%.*s: the archive ends before the file does",
		            SLICE_ARG(*name));
	*bytes = slice_first(*rest, (size_t)size);
	for (size_t i = (size_t)size; i < padded; i++)
		if (rest->ptr[i] != '\0')
			return fail(reason, RESULT_INVALID, "%.*s: bytes behind its end", SLICE_ARG(*name));
	*rest = slice_after(*rest, (size_t)padded);
	return RESULT_OK;
}

static enum result take_documents(struct slice rest, const struct manifest_entry *entries, size_t count,
                                  struct store_document *documents, struct reason *reason)
{
	bool is_end;
	enum result result;
	char digest[STORE_DIGEST_BYTES];

	for (size_t i = 0; i < count; i++) {
		result = take_file(&rest, &documents[i].name, &documents[i].bytes, &is_end, reason);
		if (result != RESULT_OK)
			return result;
		/* In order, so a doubled or unlisted name is found here too. */
		if (is_end || !slice_equal(documents[i].name, entries[i].name))
			return fail(reason, RESULT_INVALID,
			            "the archive does not hold %.*s where the manifest lists it",
			            SLICE_ARG(entries[i].name));
		if (i > 0 && slice_compare(entries[i - 1].name, entries[i].name) >= 0)
			return fail(reason, RESULT_INVALID, "the manifest's names are not in order");
		digest_of(documents[i].bytes, digest);
		if (documents[i].bytes.len != entries[i].size || strcmp(digest, entries[i].digest) != 0)
			return fail(reason, RESULT_INVALID, "%.*s is not what the manifest says",
			            SLICE_ARG(entries[i].name));
	}
	result = take_file(&rest, &(struct slice){ 0 }, &(struct slice){ 0 }, &is_end, reason);
	if (result == RESULT_OK && !is_end)
		result = fail(reason, RESULT_INVALID, "the archive holds more than the manifest lists");
	return result;
}

enum result archive_read(struct slice bytes, struct arena *arena, struct store_version *version,
                         struct store_document **documents, size_t *count, struct reason *reason)
{
	struct slice rest = bytes, name, manifest;
	struct manifest_entry *entries;
	bool is_end;
	enum result result;

	*count = 0;
	*documents = NULL;
	if (bytes.len > STORE_ARCHIVE_MAX)
		return fail(reason, RESULT_LIMIT, "the archive is larger than %d bytes", STORE_ARCHIVE_MAX);
	result = take_file(&rest, &name, &manifest, &is_end, reason);
	if (result != RESULT_OK)
		return result;
	if (is_end || !slice_equal(name, SLICE(manifest_name)))
		return fail(reason, RESULT_INVALID, "the archive does not begin with manifest.xml");
	result = manifest_read(manifest, arena, version, &entries, count, reason);
	if (result != RESULT_OK)
		return result;
	*documents = arena_new_array(arena, *count ? *count : 1, sizeof **documents);
	if (!*documents)
		return fail(reason, RESULT_NO_MEMORY, "no memory for %zu documents", *count);
	result = take_documents(rest, entries, *count, *documents, reason);
	if (result == RESULT_OK)
		digest_of(bytes, version->digest);
	return result;
}
