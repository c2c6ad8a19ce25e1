#include "tui/client/nearest.h"

#include <stdio.h>

#include "tui/client/words.h"

struct nearest nearest_start(struct slice word) { return (struct nearest){ .word = word }; }

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to insert, delete or replace (Levenshtein); `a` and `b` are at most NEAREST_WORD_MAX long. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[NEAREST_WORD_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			unsigned above = row[j];
			bool same = ascii_lower(a.ptr[i - 1]) == ascii_lower(b.ptr[j - 1]);

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1));
			diagonal = above;
		}
	}
	return row[b.len];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
	struct slice candidate = slice_of(name);
	unsigned far;

	if (nearest->word.len == 0 || nearest->word.len > NEAREST_WORD_MAX ||
	    candidate.len > NEAREST_WORD_MAX)
		return;
	far = slice_starts_nocase(candidate, nearest->word) ? 0 : distance(nearest->word, candidate);
	if (far > 1 + nearest->word.len / 4)
		return;
	for (size_t i = 0; i < NEAREST_COUNT; i++) {
		const char *name_here = nearest->names[i];
		unsigned far_here = nearest->distances[i];

		if (name_here && slice_equal(slice_of(name_here), slice_of(name)))
			return;
		if (name_here && far_here <= far)
			continue;
		nearest->names[i] = name;
		nearest->distances[i] = far;
		if (!name_here)
			return;
		name = name_here; /* the worse ones move down */
		far = far_here;
	}
}

void nearest_offer_lines(struct nearest *nearest, struct buffer *lines)
{
	buffer_add_char(lines, '\0'); /* the last need not end */
	for (size_t from = lines->start, i = from; i < lines->end; i++) {
		if (lines->bytes[i] != '\n' && lines->bytes[i] != '\0')
			continue;
		lines->bytes[i] = '\0';
		if (i > from)
			nearest_offer(nearest, lines->bytes + from);
		from = i + 1;
	}
}

const char *nearest_text(const struct nearest *nearest, char to[NEAREST_TEXT_BYTES])
{
	const char *const *n = nearest->names;

	to[0] = '\0';
	if (n[0] && n[1] && n[2])
		snprintf(to, NEAREST_TEXT_BYTES, _("did you mean %s, %s or %s?"), n[0], n[1], n[2]);
	else if (n[0] && n[1])
		snprintf(to, NEAREST_TEXT_BYTES, _("did you mean %s or %s?"), n[0], n[1]);
	else if (n[0])
		snprintf(to, NEAREST_TEXT_BYTES, _("did you mean %s?"), n[0]);
	return to;
}
