#include "tui/screens/filtering.h"

#include <stdio.h>

#include "tui/client/words.h"

enum { ROWS_LOOKED_AT = 32 };

static const char *translate(const char *text) { return _(text); }

bool filtering_read(struct slice text, const char *keys, int64_t now_wall_ms, struct filter *out,
                    char flaw[FLAW_BYTES])
{
	struct filter_flaw wrong;
	struct buffer words;

	flaw[0] = '\0';
	if (filter_read(text, keys, now_wall_ms, out, &wrong))
		return true;
	buffer_start(&words, sizeof wrong + FLAW_BYTES);
	filter_flaw_write(&wrong, translate, &words);
	slice_to_text(slice_first(buffer_slice(&words), buffer_length(&words) < FLAW_BYTES
	                                                        ? buffer_length(&words)
	                                                        : FLAW_BYTES - 1),
	              flaw, FLAW_BYTES);
	buffer_stop(&words);
	return false;
}

void filtering_keys(const struct json *const *rows, size_t count, char keys[FILTER_KEYS_BYTES])
{
	keys[0] = '\0';
	for (size_t i = 0; i < count && i < ROWS_LOOKED_AT; i++)
		filter_keys_of(rows[i], keys);
}

void filtering_refuse(struct refused_filter *refused, const char *text, const char *flaw)
{
	snprintf(refused->text, sizeof refused->text, "%s", text);
	snprintf(refused->flaw, sizeof refused->flaw, "%s", flaw);
}

bool filtering_is_refused(const struct refused_filter *refused, struct slice text)
{
	return refused->text[0] && slice_equal(slice_of(refused->text), text);
}
