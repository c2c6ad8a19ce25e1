#include "tui/screens/complete.h"

#include <stdio.h>

#include "tui/client/nearest.h"
#include "tui/client/words.h"
#include "tui/screens/scene.h"
#include "tui/term/theme.h"

static bool has(const struct buffer *lines, struct slice text)
{
	struct slice rest = buffer_slice(lines), line;

	while (rest.len && slice_next(&rest, '\n', &line))
		if (slice_equal(line, text))
			return true;
	return false;
}

static void offer(struct completion *c, struct slice word)
{
	if (word.len && slice_starts(word, c->typed) && !has(&c->candidates, word))
		buffer_printf(&c->candidates, "%.*s\n", SLICE_ARG(word));
}

static void offer_own(struct completion *c)
{
	static const char *const words[] = { "columns", "frames", "help", "quit", "theme" };

	for (int i = 0; i < SCREEN_COUNT; i++)
		if (screen_row((enum screen)i)->key)
			offer(c, slice_of(screen_row((enum screen)i)->word));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		offer(c, slice_of(words[i]));
}

/* `columns a,b,c`: after the last comma; each once. */
static void offer_columns(struct completion *c, struct slice columns)
{
	size_t before = c->typed.len;
	struct slice name, known, typed;
	char word[EDITOR_BYTES];

	while (before && c->typed.ptr[before - 1] != ',')
		before--;
	if (!before)
		offer(c, SLICE("default"));
	while (columns.len && slice_next(&columns, ',', &name)) {
		bool is_named = false;

		typed = slice_first(c->typed, before);
		while (typed.len && slice_next(&typed, ',', &known))
			is_named |= slice_equal(known, name);
		if (!is_named && before + name.len < sizeof word) {
			snprintf(word, sizeof word, "%.*s%.*s", (int)before, c->typed.ptr, SLICE_ARG(name));
			offer(c, slice_of(word));
		}
	}
	c->is_open = true;
}

/* The words after one of the console's own; false: it is none of them. */
static bool offer_after_own(struct completion *c, struct slice first, struct slice columns)
{
	bool is_theme = slice_equal(first, SLICE("theme")), is_frames = slice_equal(first, SLICE("frames"));
	bool is_columns = slice_equal(first, SLICE("columns"));

	if (c->words.count > 2)
		return is_theme || is_frames || is_columns;
	for (int i = 0; is_theme && i < THEME_COUNT; i++)
		offer(c, slice_of(theme_name((enum theme)i)));
	if (is_frames) {
		offer(c, SLICE("ascii"));
		offer(c, SLICE("utf8"));
	}
	if (is_columns)
		offer_columns(c, columns);
	return is_theme || is_frames || is_columns;
}

/* The command line's, but for what is for the shell. */
static void offer_shared(struct completion *c, size_t skipped)
{
	struct buffer lines;
	struct slice rest, line;

	buffer_start(&lines, COMPLETE_OUT_MAX);
	complete_words(c->words.count - skipped, c->words.words + skipped, &lines, &c->wish);
	rest = buffer_slice(&lines);
	while (rest.len && slice_next(&rest, '\n', &line))
		if (!slice_equal(line, SLICE("console")))
			offer(c, line);
	buffer_stop(&lines);
}

/* The line's words, one more where it ends behind a blank. */
static bool read_words(struct completion *c, struct slice line)
{
	char text[EDITOR_BYTES + sizeof " ''"];
	bool begins = !line.len || line.ptr[line.len - 1] == ' ';

	if (line.len >= EDITOR_BYTES)
		return false;
	snprintf(text, sizeof text, "%.*s%s", SLICE_ARG(line), begins ? "''" : "");
	return command_split(slice_of(text), &c->words, NULL) == RESULT_OK && c->words.count > 0;
}

static void offer_all(struct completion *c, struct slice columns)
{
	struct slice first = slice_of(c->words.words[0]);
	bool helps = slice_equal(first, SLICE("help"));
	size_t skipped = c->words.count > 1 && (helps || slice_equal(first, SLICE("parley")));

	if (c->words.count - skipped == 1 && !(skipped && helps))
		offer_own(c);
	if (skipped || !offer_after_own(c, first, columns))
		offer_shared(c, skipped);
	if (skipped && helps)
		c->wish.is_wanted = false; /* it is about words */
}

bool completion_start(struct completion *c, struct slice line, struct slice columns)
{
	c->wish = (struct complete_wish){ .is_wanted = false };
	c->is_open = c->is_partial = false;
	c->typed = SLICE("");
	buffer_start(&c->candidates, COMPLETE_OUT_MAX);
	if (!read_words(c, line))
		return false;
	c->typed = slice_of(c->words.words[c->words.count - 1]);
	offer_all(c, columns);
	return true;
}

void completion_stop(struct completion *c) { buffer_stop(&c->candidates); }

void completion_take(struct completion *c, const struct json *result)
{
	complete_rows(&c->wish, result, &c->candidates);
	c->is_partial = json_as_slice(json_get(result, "next")).ptr != NULL;
}

void completion_more(const struct completion *c, struct buffer *more)
{
	struct slice rest = buffer_slice(&c->candidates), common = SLICE_NONE, line;
	size_t count = 0, same;

	while (rest.len && slice_next(&rest, '\n', &line)) {
		if (!count++)
			common = line;
		for (same = 0; same < common.len && same < line.len && common.ptr[same] == line.ptr[same];)
			same++;
		common.len = same;
	}
	if (!count || c->is_partial)
		return;
	buffer_add(more, slice_after(common, c->typed.len));
	if (count == 1 && !c->is_open && common.ptr[common.len - 1] != '=')
		buffer_add_char(more, ' ');
}

/* "unknown word "domian"; did you mean domain?" of the words that could stand there; false: none is near. */
static bool say_near(struct slice typed, struct buffer *candidates, char *to, size_t size)
{
	struct nearest near = nearest_start(typed);
	char hint[NEAREST_TEXT_BYTES], shown[NEAREST_WORD_MAX + 1];

	nearest_offer_lines(&near, candidates);
	if (!nearest_text(&near, hint)[0] || !slice_to_text(typed, shown, sizeof shown))
		return false;
	snprintf(to, size, _("unknown word \"%s\"; %s"), shown, hint);
	return true;
}

static void say_none(const struct completion *c, struct slice line, struct slice columns, char *to,
                     size_t size)
{
	struct completion all;
	size_t before = line.len;
	bool is_said = false;

	while (before && line.ptr[before - 1] != ' ')
		before--;
	if (completion_start(&all, slice_first(line, before), columns))
		is_said = say_near(c->typed, &all.candidates, to, size);
	completion_stop(&all);
	if (!is_said && c->typed.len)
		snprintf(to, size, _("nothing begins with \"%.*s\" here"), SLICE_ARG(c->typed));
}

void completion_say(const struct completion *c, struct slice line, struct slice columns, char *to,
                    size_t size)
{
	static const char more[] = " ...";
	struct slice rest = buffer_slice(&c->candidates), word;
	bool is_cut = c->is_partial;
	size_t used = 0;

	to[0] = '\0';
	if (!rest.len) {
		say_none(c, line, columns, to, size);
		return;
	}
	while (rest.len && slice_next(&rest, '\n', &word)) {
		if (used + 1 + word.len + sizeof more > size) {
			is_cut = true;
			break;
		}
		used += (size_t)snprintf(to + used, size - used, "%s%.*s", used ? " " : "", SLICE_ARG(word));
	}
	if (is_cut)
		snprintf(to + used, size - used, "%s", more);
}

bool completion_knows(struct slice line, struct reason *reason)
{
	struct slice first = slice_first(line, slice_find(line, ' '));
	struct completion all;
	char text[SCENE_TEXT_BYTES];
	bool is_known;

	if (!first.len || first.ptr[0] == '-' || slice_equal(first, SLICE("console")))
		return true; /* an option, or what is for the shell */
	is_known = !completion_start(&all, SLICE(""), SLICE("")) || has(&all.candidates, first) ||
	           !say_near(first, &all.candidates, text, sizeof text);
	if (!is_known)
		fail(reason, RESULT_INVALID, "%s", text);
	completion_stop(&all);
	return is_known;
}
