/*
 * Any bytes as a filter, and as the row it is held against.  Reading ends; a filter that is refused says why in words
 * fit for a terminal; a term and its opposite never hold at once.
 */
#include "shared/control/filter.h"

#include <assert.h>

static const int64_t now_wall_ms = INT64_C(1795780800000); /* one for both: an age is of a time */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_opposite(struct slice text, const struct json *row, bool holds, const char *keys)
{
	static struct filter other; /* style: global, too large for a fuzzer's stack */
	struct filter_flaw flaw;
	struct buffer turned;

	buffer_start(&turned, 2 * FILTER_BYTES_MAX);
	buffer_add_char(&turned, '!');
	buffer_add(&turned, text);
	if (filter_read(buffer_slice(&turned), keys, now_wall_ms, &other, &flaw) && other.count == 1)
		assert(filter_holds(&other, filter_look_json, row) != holds);
	buffer_stop(&turned);
}

static bool has_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] && strchr(" \t\r\n", text.ptr[i]))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct filter filter; /* style: global, too large for a fuzzer's stack */
	struct slice all = { (const char *)bytes, size }, text = slice_first(all, slice_find(all, '\n'));
	struct slice rest = slice_after(all, text.len < size ? text.len + 1 : text.len);
	char keys[FILTER_KEYS_BYTES] = "";
	struct filter_flaw flaw;
	struct json *row = NULL;
	struct buffer words;

	if (json_read(rest, &row, NULL) == RESULT_OK)
		filter_keys_of(row, keys);
	buffer_start(&words, 1 << 16);
	if (filter_read(text, keys, now_wall_ms, &filter, &flaw)) {
		bool holds = filter_holds(&filter, filter_look_json, row);

		if (filter.count == 1 && !has_blank(text))
			check_opposite(text, row, holds, keys);
	} else {
		filter_flaw_write(&flaw, NULL, &words);
		for (size_t i = 0; i < buffer_length(&words); i++)
			assert((unsigned char)buffer_slice(&words).ptr[i] >= ' ');
		assert(filter.count == 0 && buffer_length(&words) > 0);
	}
	buffer_stop(&words);
	json_free(&row);
	return 0;
}
