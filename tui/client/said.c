#include "tui/client/said.h"

#include <string.h>

#include "tui/client/words.h"

enum { DEPTH_MAX = 4, LINE_DEPTH_MAX = 16, TEXT_MAX = 900 };

static const char *const patterns[] = {
#define SAID(pattern) pattern,
#include "tui/client/said.def"
#undef SAID
};

/* ---- patterns ---- */

struct place {
	size_t number; /* from 0 */
	bool is_digits;
};

/* "{#2}..." at `at`: what is asked for, and where the pattern goes on; NULL: no place. */
static const char *read_place(const char *at, struct place *out)
{
	if (*at++ != '{')
		return NULL;
	out->is_digits = *at == '#';
	at += out->is_digits;
	if (*at < '1' || *at > '0' + SAID_PLACES || at[1] != '}')
		return NULL;
	out->number = (size_t)(*at - '1');
	return at + 2;
}

static size_t literal_length(const char *pattern)
{
	struct place place;
	size_t n = 0;

	while (pattern[n] && !read_place(pattern + n, &place))
		n++;
	return n;
}

static bool fits(struct slice part, const struct place *place)
{
	for (size_t i = 0; place->is_digits && i < part.len; i++)
		if (part.ptr[i] < '0' || part.ptr[i] > '9')
			return false;
	return part.len > 0;
}

bool said_matches(const char *pattern, struct slice text, struct slice parts[SAID_PLACES])
{
	struct place place;
	const char *rest = read_place(pattern, &place);
	size_t literal;

	if (!rest) {
		literal = literal_length(pattern);
		if (!slice_starts(text, ((struct slice){ pattern, literal })))
			return false;
		text = slice_after(text, literal);
		return pattern[literal] ? said_matches(pattern + literal, text, parts) : text.len == 0;
	}
	if (!*rest) {
		parts[place.number] = text;
		return fits(text, &place);
	}
	/* The shortest part that what follows fits behind. */
	literal = literal_length(rest);
	for (size_t end = 1; literal && end + literal <= text.len; end++) {
		if (memcmp(text.ptr + end, rest, literal) != 0 || !fits(slice_first(text, end), &place))
			continue;
		if (said_matches(rest, slice_after(text, end), parts)) {
			parts[place.number] = slice_first(text, end);
			return true;
		}
	}
	return false;
}

/* ---- translation ---- */

static bool translate(struct slice text, struct buffer *out, int depth);

static bool add_part(struct slice part, struct buffer *out, int depth)
{
	bool is_known = translate(part, out, depth + 1);
	const char *word = is_known ? NULL : words_of("part", part);

	if (word)
		buffer_add(out, slice_of(word));
	else if (!is_known)
		buffer_add(out, part);
	return is_known || word;
}

static void fill(const char *translation, const struct slice parts[SAID_PLACES], struct buffer *out,
                 int depth)
{
	while (*translation) {
		size_t literal = literal_length(translation);
		struct place place;
		const char *rest = read_place(translation + literal, &place);

		buffer_add(out, ((struct slice){ translation, literal }));
		if (!rest)
			return;
		add_part(parts[place.number], out, depth);
		translation = rest;
	}
}

static bool translate_whole(struct slice text, struct buffer *out, int depth)
{
	struct slice parts[SAID_PLACES] = { 0 };

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		const char *translation;

		if (!said_matches(patterns[i], text, parts))
			continue;
		translation = _(patterns[i]);
		if (translation == patterns[i])
			continue;
		fill(translation, parts, out, depth);
		return true;
	}
	return false;
}

/* "what: why", "this; that": each for itself, when at least one of them is known. */
static bool translate_pieces(struct slice text, struct buffer *out, int depth)
{
	static const char *const joints[] = { "; ", ": " };

	for (size_t j = 0; j < sizeof joints / sizeof *joints; j++) {
		const char *joint = memmem(text.ptr, text.len, joints[j], 2);
		size_t at = joint ? (size_t)(joint - text.ptr) : text.len;
		struct buffer made;
		bool is_known;

		if (at == 0 || at + 2 >= text.len)
			continue;
		buffer_start(&made, SAID_BYTES - 1);
		is_known = add_part(slice_first(text, at), &made, depth);
		buffer_add(&made, slice_of(joints[j]));
		is_known |= add_part(slice_after(text, at + 2), &made, depth);
		if (is_known)
			buffer_add(out, buffer_slice(&made));
		buffer_stop(&made);
		if (is_known)
			return true;
	}
	return false;
}

static bool translate(struct slice text, struct buffer *out, int depth)
{
	if (text.len < 3 || depth > DEPTH_MAX)
		return false;
	return translate_whole(text, out, depth) || translate_pieces(text, out, depth);
}

struct slice said(struct slice text, char to[SAID_BYTES])
{
	struct buffer out;
	bool is_done;

	/* Documents have lines; no sentence has. */
	if (!words_are_translated() || text.len > TEXT_MAX || slice_find(text, '\n') < text.len)
		return text;
	buffer_start(&out, SAID_BYTES - 1);
	is_done = translate(text, &out, 0) && !out.is_broken &&
	          slice_to_text(buffer_slice(&out), to, SAID_BYTES);
	buffer_stop(&out);
	return is_done ? slice_of(to) : text;
}

struct slice said_word(struct slice word)
{
	const char *found = words_of("word", word);

	return found ? slice_of(found) : word;
}

/* ---- a line of the protocol ---- */

static bool holds_sentences(struct slice key)
{
	static const char *const members[] = { "why",       "text",          "advice",     "words",
		                               "asks",      "message",       "detail",     "note",
		                               "doubt",     "allowed",       "hindered",   "live",
		                               "sentence",  "last_error",    "last_limit", "assumed",
		                               "sentences", "authentication" };

	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (slice_equal(key, slice_of(members[i])))
			return true;
	return false;
}

static void write_said(struct json_writer *w, const char *key, const struct json *value, bool is_sentence,
                       int depth)
{
	char to[SAID_BYTES];
	struct slice name;
	const struct json *member;

	if (json_kind(value) == JSON_KIND_OBJECT && depth < LINE_DEPTH_MAX) {
		json_open_object(w, key);
		for (size_t i = 0; json_member(value, i, &name, &member); i++)
			write_said(w, name.ptr, member, holds_sentences(name), depth + 1);
		json_close_object(w);
	} else if (json_kind(value) == JSON_KIND_ARRAY && depth < LINE_DEPTH_MAX) {
		json_open_array(w, key);
		for (size_t i = 0; i < json_count(value); i++)
			write_said(w, NULL, json_at(value, i), is_sentence, depth + 1);
		json_close_array(w);
	} else if (is_sentence && json_kind(value) == JSON_KIND_TEXT) {
		json_put_slice(w, key, said(json_as_slice(value), to));
	} else {
		json_write_value(w, key, value);
	}
}

bool said_line(struct slice line, struct buffer *out)
{
	struct json_writer w = json_write(out);
	struct reason reason;
	struct json *whole;

	if (json_read(line, &whole, &reason) != RESULT_OK)
		return false;
	write_said(&w, NULL, whole, false, 0);
	json_free(&whole);
	return !out->is_broken;
}
