#include "tui/screens/complete.h"

#include <stdio.h>

#include "shared/control/control.h"
#include "shared/model/model.h"
#include "tui/screens/scene.h"
#include "tui/term/theme.h"

struct offers {
	struct slice typed; /* the beginning of the last word */
	struct buffer *candidates;
	char common[64]; /* what all have in common */
	size_t common_length, count;
};

static void offer(struct offers *o, const char *text)
{
	struct slice word = slice_of(text), rest = buffer_slice(o->candidates), known;
	size_t same = 0;

	if (!word.len || !slice_starts(word, o->typed) || word.len >= sizeof o->common)
		return;
	while (slice_next(&rest, ' ', &known))
		if (slice_equal(known, word))
			return; /* a noun stands before each of its verbs */
	if (o->count++)
		buffer_add_char(o->candidates, ' ');
	buffer_add(o->candidates, word);
	if (o->count == 1) {
		memcpy(o->common, word.ptr, word.len);
		o->common_length = word.len;
	}
	while (same < o->common_length && same < word.len && o->common[same] == word.ptr[same])
		same++;
	o->common_length = same;
}

static void offer_first(struct offers *o)
{
	for (int i = 0; i < SCREEN_COUNT; i++)
		if (screen_row((enum screen)i)->key)
			offer(o, screen_row((enum screen)i)->word);
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);

		if (i != CONTROL_VERB_HELLO)
			offer(o, row->noun[0] ? row->noun : row->verb);
	}
	offer(o, "help");
	offer(o, "quit");
	offer(o, "theme");
	offer(o, "frames");
	offer(o, "columns");
}

/* The words after the console's own. */
static void offer_dresses(struct offers *o, struct slice first)
{
	for (int i = 0; slice_equal(first, SLICE("theme")) && i < THEME_COUNT; i++)
		offer(o, theme_name((enum theme)i));
	if (slice_equal(first, SLICE("frames"))) {
		offer(o, "ascii");
		offer(o, "utf8");
	}
}

/* Fields of the kind that the verb takes, as "field=". */
static void offer_fields(struct offers *o, struct slice noun, struct slice verb)
{
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);
		struct control_argument argument;

		if (!slice_equal(noun, slice_of(row->noun)) || !slice_equal(verb, slice_of(row->verb)))
			continue;
		for (size_t a = 0; control_verb_argument(row, a, &argument); a++) {
			const struct model_kind *kind = argument.is_fields
			                                        ? model_kind_named(slice_of(argument.name))
			                                        : NULL;

			for (size_t f = 0; kind && f < kind->field_count; f++) {
				char text[64];

				if (f == kind->key || strlen(kind->fields[f].name) + 2 > sizeof text)
					continue;
				snprintf(text, sizeof text, "%s=", kind->fields[f].name);
				offer(o, text);
			}
		}
	}
}

void complete_line(struct slice line, struct buffer *candidates, struct buffer *more)
{
	struct offers o = { .candidates = candidates };
	struct slice words[3] = { SLICE_NONE, SLICE_NONE, SLICE_NONE }, rest = line, word;
	size_t count = 0;

	while (slice_next(&rest, ' ', &word)) {
		if (word.len && count < 3)
			words[count] = word;
		count += word.len > 0;
		o.typed = word;
	}
	if (line.len && line.ptr[line.len - 1] == ' ')
		o.typed = SLICE("");
	count -= o.typed.len > 0;
	if (count == 0)
		offer_first(&o);
	if (count == 1)
		offer_dresses(&o, words[0]);
	if (count == 1)
		for (int i = 0; i < CONTROL_VERB_COUNT; i++)
			if (slice_equal(words[0], slice_of(control_verb((enum control_verb_id)i)->noun)))
				offer(&o, control_verb((enum control_verb_id)i)->verb);
	if (count >= 2)
		offer_fields(&o, words[0], words[1]);
	if (!o.count)
		return;
	buffer_add(more, slice_after((struct slice){ o.common, o.common_length }, o.typed.len));
	if (o.count == 1 && o.common[o.common_length - 1] != '=')
		buffer_add_char(more, ' ');
}
