#include "tui/client/said.h"

#include <string.h>

#include "shared/base/text.h"
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

/* A word of the wire within a sentence: a side, an outcome, a unit. */
static const char *word_of(struct slice part)
{
	const char *word = words_of("part", part);

	return word ? word : words_of("unit", part);
}

static bool add_part(struct slice part, struct buffer *out, int depth)
{
	bool is_known = translate(part, out, depth + 1);
	const char *word = is_known ? NULL : word_of(part);

	if (word)
		buffer_add(out, slice_of(word));
	else if (!is_known)
		buffer_add(out, part);
	return is_known || word;
}

/* ---- where a part meets the words around it ---- */

static bool is_wide(uint32_t c) { return c >= 0x2e80 && c < 0xac00; /* Chinese and its marks */ }
static bool is_mark(uint32_t c) { return c >= 0x3000 && c < 0x3020; /* which have their own air */ }
static bool is_narrow(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static uint32_t last_of(struct slice text)
{
	size_t at = text.len;
	uint32_t c = 0;

	while (at > 0 && ((unsigned char)text.ptr[--at] & 0xc0) == 0x80)
		;
	return text.len && text_utf8_decode(slice_after(text, at), &c) ? c : 0;
}

static uint32_t first_of(struct slice text)
{
	uint32_t c = 0;

	return text.len && text_utf8_decode(text, &c) ? c : 0;
}

/*
 * Chinese stands beside Chinese without a blank, and beside Latin letters with one, whatever a part turned out to
 * be: the translator, who writes "{1} was refused", cannot know.  `next` is what will stand behind `text`.
 */
static void add_joined(struct slice text, struct slice next, struct buffer *out)
{
	uint32_t left = last_of(buffer_slice(out)), right;

	if (text.len > 1 && text.ptr[0] == ' ' && is_wide(left) && is_wide(first_of(slice_after(text, 1))))
		text = slice_after(text, 1);
	right = first_of(text);
	if ((is_wide(left) && !is_mark(left) && is_narrow(right)) ||
	    (is_narrow(left) && is_wide(right) && !is_mark(right)))
		buffer_add_char(out, ' ');
	if (text.len && text.ptr[text.len - 1] == ' ' && is_wide(first_of(next)) &&
	    is_wide(last_of(text.len > 1 ? slice_first(text, text.len - 1) : buffer_slice(out))))
		text.len--;
	buffer_add(out, text);
}

static void fill(const char *translation, const struct slice parts[SAID_PLACES], struct buffer *out,
                 int depth)
{
	while (*translation) {
		size_t literal = literal_length(translation);
		struct place place;
		const char *rest = read_place(translation + literal, &place);
		struct buffer part;

		if (!rest) {
			add_joined(((struct slice){ translation, literal }), SLICE_NONE, out);
			return;
		}
		buffer_start(&part, SAID_BYTES - 1);
		add_part(parts[place.number], &part, depth);
		add_joined(((struct slice){ translation, literal }), buffer_slice(&part), out);
		add_joined(buffer_slice(&part), SLICE_NONE, out);
		out->is_broken |= part.is_broken;
		buffer_stop(&part);
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
	static const char *const joints[] = { N_("; "), ": " };

	for (size_t j = 0; j < sizeof joints / sizeof *joints; j++) {
		const char *joint = memmem(text.ptr, text.len, joints[j], 2);
		size_t at = joint ? (size_t)(joint - text.ptr) : text.len;
		struct buffer made;
		bool is_known;

		if (at == 0 || at + 2 >= text.len)
			continue;
		buffer_start(&made, SAID_BYTES - 1);
		is_known = add_part(slice_first(text, at), &made, depth);
		buffer_add(&made, slice_of(_(joints[j])));
		is_known |= add_part(slice_after(text, at + 2), &made, depth);
		if (is_known)
			buffer_add(out, buffer_slice(&made));
		buffer_stop(&made);
		if (is_known)
			return true;
	}
	return false;
}

/* A sentence without places: of the tables (what a field means, what to do), or a pattern's that needs no part. */
static bool translate_exactly(struct slice text, struct buffer *out)
{
	char plain[TEXT_MAX + 1];
	const char *found;

	if (slice_find(text, ' ') == text.len || !slice_to_text(text, plain, sizeof plain))
		return false;
	found = words_text(plain);
	if (found == plain)
		return false;
	buffer_add(out, slice_of(found));
	return true;
}

/* "proxy-fqdn is missing": what is wrong with a field, behind its name. */
static bool translate_of_field(struct slice text, struct buffer *out, int depth)
{
	size_t at = slice_find(text, ' ');
	struct buffer made;
	bool is_known;

	if (at + 1 >= text.len || !words_of("field", slice_first(text, at)))
		return false;
	buffer_start(&made, SAID_BYTES - 1);
	is_known = translate(slice_after(text, at + 1), &made, depth + 1);
	if (is_known) {
		buffer_add(out, slice_first(text, at));
		add_joined(buffer_slice(&made), SLICE_NONE, out);
	}
	buffer_stop(&made);
	return is_known;
}

static bool translate(struct slice text, struct buffer *out, int depth)
{
	if (text.len < 3 || depth > DEPTH_MAX)
		return false;
	return translate_exactly(text, out) || translate_of_field(text, out, depth) ||
	       translate_whole(text, out, depth) || translate_pieces(text, out, depth);
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

	found = found ? found : words_of("kind", word);
	return found ? slice_of(found) : word;
}

/* ---- a line of the protocol ---- */

static bool holds_sentences(struct slice key)
{
	static const char *const members[] = { "why",       "text",           "advice",     "words",
		                               "asks",      "message",        "detail",     "note",
		                               "doubt",     "allowed",        "hindered",   "live",
		                               "sentence",  "last_error",     "last_limit", "assumed",
		                               "sentences", "authentication", "notice" };

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
