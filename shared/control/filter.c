/* Reading a filter: from text to terms.  What they mean for a row is in filter_match.c. */
#include "shared/control/filter.h"

#include <stdio.h>

#include "shared/base/text.h"

enum { STAR = 1 };

bool control_is_instant(struct slice name)
{
	static const char *const names[] = { "time",       "since",        "started",    "first_seen",
		                             "last_seen",  "next_start",   "next_retry", "last_error_at",
		                             "drain_ends", "confirm_until" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_equal(name, slice_of(names[i])))
			return true;
	return false;
}

/* ---- keys ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_key_char(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

/* proxy_fqdn and Proxy-Fqdn are the same. */
static bool begins(struct slice name, struct slice typed)
{
	if (typed.len > name.len)
		return false;
	for (size_t i = 0; i < typed.len; i++) {
		char a = ascii_lower(name.ptr[i]), b = ascii_lower(typed.ptr[i]);

		if ((a == '_' ? '-' : a) != (b == '_' ? '-' : b))
			return false;
	}
	return true;
}

void filter_keys_add(struct slice name, char keys[FILTER_KEYS_BYTES])
{
	struct slice rest = slice_of(keys), known;
	size_t used = rest.len;

	for (size_t i = 0; i < name.len; i++)
		if (!is_key_char(name.ptr[i]) && !(i == 0 && name.ptr[i] == '~'))
			return; /* nobody could type it */
	while (slice_next(&rest, ' ', &known))
		if (slice_equal(known, name))
			return;
	if (name.len < FILTER_NAME_BYTES && used + name.len + 2 <= FILTER_KEYS_BYTES)
		snprintf(keys + used, FILTER_KEYS_BYTES - used, "%s%.*s", used ? " " : "", SLICE_ARG(name));
}

void filter_keys_of(const struct json *row, char keys[FILTER_KEYS_BYTES])
{
	const struct json *value;
	struct slice name;

	for (size_t i = 0; json_member(row, i, &name, &value); i++)
		if (json_kind(value) != JSON_KIND_OBJECT)
			filter_keys_add(name, keys);
}

/* The whole name of what was typed; all that it may mean in flaw->keys when that is not one. */
static bool find_key(const struct filter *filter, struct slice typed, char to[FILTER_NAME_BYTES],
                     struct filter_flaw *flaw)
{
	struct slice rest = slice_of(filter->keys), name;
	size_t found = 0;

	if (typed.len >= FILTER_NAME_BYTES) {
		flaw->trouble = FILTER_TOO_LONG;
		return false;
	}
	if (!rest.len || slice_equal_nocase(typed, SLICE("peer")))
		return slice_to_text(rest.len ? SLICE("peer") : typed, to, FILTER_NAME_BYTES);
	flaw->keys[0] = '\0';
	while (slice_next(&rest, ' ', &name)) {
		if (slice_starts(name, SLICE("~")))
			name = slice_after(name, 1);
		if (!name.len || !begins(name, typed))
			continue;
		slice_to_text(name, to, FILTER_NAME_BYTES);
		if (name.len == typed.len)
			return true;
		found++;
		filter_keys_add(name, flaw->keys);
	}
	if (found == 1)
		return true;
	flaw->trouble = found ? FILTER_AMBIGUOUS_KEY : FILTER_UNKNOWN_KEY;
	if (!found)
		snprintf(flaw->keys, sizeof flaw->keys, "%s", filter->keys);
	return false;
}

/* ---- terms ---- */

struct reading {
	struct slice rest;
	struct filter *out;
	struct filter_flaw *flaw;
	size_t used; /* of out->text */
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bool put(struct reading *r, char c)
{
	if (r->used + 1 >= sizeof r->out->text)
		return false;
	r->out->text[r->used++] = c;
	return true;
}

/* Up to the next blank that stands in no quotes; commas part alternatives when the term has a key. */
static bool read_value(struct reading *r, bool has_key, struct slice *out)
{
	char *start = r->out->text + r->used;
	char quote = 0;

	while (r->rest.len && (quote || !is_blank(r->rest.ptr[0]))) {
		char c = r->rest.ptr[0];

		r->rest = slice_after(r->rest, 1);
		if (c == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (quote && c == '\\' && r->rest.len) {
			c = r->rest.ptr[0];
			r->rest = slice_after(r->rest, 1);
		} else if (!quote && has_key && c == ',') {
			c = '\0';
		} else if (!quote && has_key && c == '*') {
			c = STAR;
		}
		if (!put(r, c)) {
			r->flaw->trouble = FILTER_TOO_LONG;
			return false;
		}
	}
	*out = (struct slice){ start, (size_t)(r->out->text + r->used - start) };
	if (quote)
		r->flaw->trouble = FILTER_OPEN_QUOTE;
	return !quote;
}

/* Takes "key:" or "key<=" off the front; FILTER_WORD: there is none. */
static enum filter_test read_test(struct reading *r, struct slice *key)
{
	size_t n = 0;
	enum filter_test test = FILTER_WORD;

	while (n < r->rest.len && is_key_char(r->rest.ptr[n]))
		n++;
	if (n == 0 || n == r->rest.len || !is_letter(r->rest.ptr[0]) || !strchr(":<>", r->rest.ptr[n]) ||
	    !r->rest.ptr[n])
		return FILTER_WORD;
	*key = slice_first(r->rest, n);
	test = r->rest.ptr[n] == ':' ? FILTER_IS : r->rest.ptr[n] == '<' ? FILTER_LESS : FILTER_MORE;
	n++;
	if (test != FILTER_IS && n < r->rest.len && r->rest.ptr[n] == '=') {
		test = test == FILTER_LESS ? FILTER_AT_MOST : FILTER_AT_LEAST;
		n++;
	}
	r->rest = slice_after(r->rest, n);
	return test;
}

static bool read_term(struct reading *r)
{
	struct filter_term *term = &r->out->terms[r->out->count];
	struct slice whole = r->rest, key = SLICE_NONE;
	size_t end = 0;
	bool is_right = true;

	while (end < whole.len && !is_blank(whole.ptr[end]))
		end++;
	if (!slice_to_text(slice_first(whole, end < FILTER_NAME_BYTES ? end : FILTER_NAME_BYTES - 1),
	                   r->flaw->word, sizeof r->flaw->word))
		r->flaw->word[0] = '\0';
	*term = (struct filter_term){ .is_wanted = true };
	while (r->rest.len && r->rest.ptr[0] == '!') {
		term->is_wanted = !term->is_wanted;
		r->rest = slice_after(r->rest, 1);
	}
	term->test = read_test(r, &key);
	if (term->test != FILTER_WORD)
		is_right = find_key(r->out, key, term->key, r->flaw);
	is_right = is_right && read_value(r, term->test != FILTER_WORD, &term->values);
	if (is_right && term->test > FILTER_IS && !term->values.len) {
		r->flaw->trouble = FILTER_NEEDS_NUMBER;
		return false;
	}
	if (is_right && (term->test != FILTER_WORD || term->values.len)) /* a lone "!" says nothing yet */
		r->out->count++;
	return is_right;
}

bool filter_read(struct slice text, const char *keys, int64_t now_wall_ms, struct filter *out,
                 struct filter_flaw *flaw)
{
	struct reading r = { .rest = text, .out = out, .flaw = flaw };

	out->count = 0;
	out->now_wall_ms = now_wall_ms;
	*flaw = (struct filter_flaw){ .trouble = FILTER_RIGHT };
	snprintf(out->keys, sizeof out->keys, "%s", keys);
	if (text.len > FILTER_BYTES_MAX)
		flaw->trouble = FILTER_TOO_LONG;
	while (flaw->trouble == FILTER_RIGHT && r.rest.len) {
		if (is_blank(r.rest.ptr[0]))
			r.rest = slice_after(r.rest, 1);
		else if (out->count == FILTER_TERMS_MAX)
			flaw->trouble = FILTER_TOO_LONG;
		else
			read_term(&r);
	}
	if (flaw->trouble != FILTER_RIGHT)
		out->count = 0;
	return flaw->trouble == FILTER_RIGHT;
}

/* ---- what is wrong, in words ---- */

#define N_(text) (text) /* marked for translation: whoever shows it passes gettext */

void filter_flaw_write(const struct filter_flaw *flaw, const char *(*translate)(const char *text),
                       struct buffer *out)
{
	static const char *const sentences[FILTER_TROUBLES] = {
		[FILTER_RIGHT] = "",
		[FILTER_UNKNOWN_KEY] = N_("nothing to filter by in {word}; there are: {keys}; a text with : "
		                          "< > goes in quotes"),
		[FILTER_AMBIGUOUS_KEY] = N_("{word} may mean: {keys}"),
		[FILTER_OPEN_QUOTE] = N_("the quote in {word} is not closed"),
		[FILTER_NEEDS_NUMBER] = N_("{word} needs a number, an age (5m, 2h, 1d) or a date"),
		[FILTER_TOO_LONG] = N_("the filter is too long"),
	};
	struct slice rest = slice_of(translate && flaw->trouble ? translate(sentences[flaw->trouble])
	                                                        : sentences[flaw->trouble]);

	while (rest.len) {
		if (slice_starts(rest, SLICE("{word}"))) {
			text_escape(out, slice_of(flaw->word));
			rest = slice_after(rest, 6);
		} else if (slice_starts(rest, SLICE("{keys}"))) {
			for (const char *key = flaw->keys; *key; key++) {
				if (*key == ' ')
					buffer_add_char(out, ',');
				if (*key != '~')
					buffer_add_char(out, *key);
			}
			rest = slice_after(rest, 6);
		} else {
			buffer_add_char(out, rest.ptr[0]);
			rest = slice_after(rest, 1);
		}
	}
}
