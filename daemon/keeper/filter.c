#include "daemon/keeper/filter.h"

static bool contains_nocase(struct slice text, struct slice part)
{
	for (; text.len >= part.len; text = slice_after(text, 1)) {
		if (slice_equal_nocase(slice_first(text, part.len), part))
			return true;
		if (text.len == 0)
			break;
	}
	return false;
}

static bool term_holds(struct slice term, const struct keeper_filter_field *fields, size_t count)
{
	size_t colon = slice_find(term, ':');

	if (term.ptr[0] == '!')
		return term.len == 1 || !term_holds(slice_after(term, 1), fields, count);
	for (size_t i = 0; colon < term.len && i < count; i++)
		if (slice_equal_nocase(slice_first(term, colon), slice_of(fields[i].name)))
			return slice_equal_nocase(slice_after(term, colon + 1), fields[i].value);
	/* No field of that name: a word, perhaps an address with its port. */
	for (size_t i = 0; i < count; i++)
		if (fields[i].is_text && contains_nocase(fields[i].value, term))
			return true;
	return false;
}

bool keeper_filter_holds(struct slice filter, const struct keeper_filter_field *fields, size_t count)
{
	struct slice term;

	while (slice_next(&filter, ' ', &term))
		if (term.len && !term_holds(term, fields, count))
			return false;
	return true;
}
