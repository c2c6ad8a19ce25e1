#include "tui/screens/filter.h"

static bool contains(struct slice text, struct slice part)
{
	for (size_t at = 0; at + part.len <= text.len; at++)
		if (slice_starts_nocase(slice_after(text, at), part))
			return true;
	return false;
}

static bool term_holds(struct slice term, const struct filter_row *row)
{
	if (slice_starts(term, SLICE("rule:")))
		return slice_equal_nocase(slice_after(term, 5), row->rule);
	if (slice_starts(term, SLICE("state:")))
		return slice_equal_nocase(slice_after(term, 6), row->state);
	return contains(row->name, term) || contains(row->note, term);
}

bool filter_holds(struct slice filter, const struct filter_row *row)
{
	struct slice term;

	while (slice_next(&filter, ' ', &term)) {
		bool wanted = !(term.len && term.ptr[0] == '!');

		if (!wanted)
			term = slice_after(term, 1);
		if (term.len && term_holds(term, row) != wanted)
			return false;
	}
	return true;
}
