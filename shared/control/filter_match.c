/* Does a row have what a filter asks for? */
#include "shared/control/filter.h"

#include <stdlib.h>

enum { STAR = 1, NUMBER_BYTES = 32, MEMBERS_MAX = 256 };

static const int64_t second_ms = 1000, minute_ms = 60 * 1000, hour_ms = 60 * 60 * 1000,
                     day_ms = 24 * 60 * 60 * 1000;

/* ---- texts ---- */

static bool contains(struct slice text, struct slice part)
{
	for (size_t at = 0; at + part.len <= text.len; at++)
		if (slice_starts_nocase(slice_after(text, at), part))
			return true;
	return false;
}

/* All of `text`, where a star stands for anything.  Each star is tried once: the last one takes the rest. */
static bool fits(struct slice text, struct slice pattern)
{
	struct slice after_star = SLICE_NONE, retry = SLICE_NONE;

	while (text.len) {
		if (pattern.len && pattern.ptr[0] == STAR) {
			after_star = pattern = slice_after(pattern, 1);
			retry = text;
		} else if (pattern.len && ascii_lower(pattern.ptr[0]) == ascii_lower(text.ptr[0])) {
			pattern = slice_after(pattern, 1);
			text = slice_after(text, 1);
		} else if (after_star.ptr) {
			retry = slice_after(retry, 1);
			text = retry;
			pattern = after_star;
		} else {
			return false;
		}
	}
	while (pattern.len && pattern.ptr[0] == STAR)
		pattern = slice_after(pattern, 1);
	return pattern.len == 0;
}

/* Somebody's address: himself, his domain, or a domain above it. */
static bool is_of(struct slice address, struct slice pattern)
{
	size_t end = 0;

	if (fits(address, pattern))
		return true;
	for (size_t i = 0; i < 2; i++) {
		struct slice scheme = i ? SLICE("sips:") : SLICE("sip:");

		if (slice_starts_nocase(address, scheme))
			address = slice_after(address, scheme.len);
	}
	while (end < address.len && !strchr(";>/", address.ptr[end]))
		end++;
	address = slice_first(address, end);
	if (fits(address, pattern))
		return true;
	if (slice_find(address, '@') < address.len)
		address = slice_after(address, slice_find(address, '@') + 1);
	address = slice_first(address, slice_find(address, ':')); /* without the port */
	while (address.len) {
		if (fits(address, pattern))
			return true;
		end = slice_find(address, '.');
		address = slice_after(address, end < address.len ? end + 1 : end);
	}
	return false;
}

/* ---- numbers, ages, dates ---- */

/* "1.5k"; a unit of time gives seconds, and says that it is one. */
static bool read_number(struct slice text, double *out, bool *is_age)
{
	static const struct {
		char unit;
		double factor;
		bool is_age;
	} units[] = { { 'k', 1e3, false }, { 'M', 1e6, false }, { 'G', 1e9, false }, { 's', 1, true },
		      { 'm', 60, true },   { 'h', 3600, true }, { 'd', 86400, true } };
	char digits[NUMBER_BYTES], *end;
	double factor = 1;

	*is_age = false;
	for (size_t i = 0; text.len > 1 && i < sizeof units / sizeof *units; i++) {
		if (text.ptr[text.len - 1] == units[i].unit) {
			factor = units[i].factor;
			*is_age = units[i].is_age;
			text.len--;
			break;
		}
	}
	if (!text.len || !slice_to_text(text, digits, sizeof digits) ||
	    digits[strspn(digits, "0123456789.-+")])
		return false;
	*out = strtod(digits, &end) * factor;
	return *end == '\0';
}

static bool two_digits(struct slice text, size_t at, int *out)
{
	if (at + 2 > text.len || text.ptr[at] < '0' || text.ptr[at] > '9' || text.ptr[at + 1] < '0' ||
	    text.ptr[at + 1] > '9')
		return false;
	*out = (text.ptr[at] - '0') * 10 + text.ptr[at + 1] - '0';
	return true;
}

/* 2026-11-27, 2026-11-27T08:00 or 2026-11-27T08:00:05, with whatever follows; UTC.  `*length_ms`: how long it lasts. */
static bool read_date(struct slice text, int64_t *out, int64_t *length_ms)
{
	int century, year, month, day, hour = 0, minute = 0, second = 0;
	int64_t days;

	if (text.len < 10 || text.ptr[4] != '-' || text.ptr[7] != '-' || !two_digits(text, 0, &century) ||
	    !two_digits(text, 2, &year) || !two_digits(text, 5, &month) || !two_digits(text, 8, &day))
		return false;
	*length_ms = day_ms;
	if (text.len > 10) {
		if ((text.ptr[10] != 'T' && text.ptr[10] != ' ') || !two_digits(text, 11, &hour) ||
		    text.len < 16 || text.ptr[13] != ':' || !two_digits(text, 14, &minute))
			return false;
		*length_ms = minute_ms;
		if (text.len > 18 && text.ptr[16] == ':' && two_digits(text, 17, &second))
			*length_ms = second_ms;
	}
	/* Days since 1970-01-01: years begin in March, so that the leap day is the last of one. */
	year += century * 100 - (month <= 2);
	days = (int64_t)(year / 400) * 146097 + (int64_t)(year % 400) * 365 + year % 400 / 4 -
	       year % 400 / 100 + (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
	*out = days * day_ms + hour * hour_ms + minute * minute_ms + second * second_ms;
	return true;
}

static bool is_so(enum filter_test test, double left, double right)
{
	switch (test) {
	case FILTER_LESS: return left < right;
	case FILTER_AT_MOST: return left <= right;
	case FILTER_MORE: return left > right;
	case FILTER_AT_LEAST: return left >= right;
	case FILTER_IS: return left - right < 1e-9 && right - left < 1e-9;
	case FILTER_WORD: break;
	}
	return false;
}

/* An instant, as milliseconds or as text, against an age or a date. */
static bool instant_fits(const struct filter *filter, enum filter_test test, const struct filter_value *value,
                         struct slice wanted, bool *knows)
{
	double at = value->number, age_s;
	int64_t from, length_ms, own, own_length;
	bool is_age;

	*knows = false;
	if (value->kind == FILTER_TEXT && read_date(value->text, &own, &own_length))
		at = (double)own;
	else if (value->kind != FILTER_NUMBER)
		return false;
	if (read_date(wanted, &from, &length_ms)) {
		*knows = true;
		if (test == FILTER_IS)
			return at >= (double)from && at < (double)(from + length_ms);
		/* After a day is after its end. */
		if (test == FILTER_MORE || test == FILTER_AT_MOST)
			from += length_ms - 1;
		return is_so(test, at, (double)from);
	}
	if (read_number(wanted, &age_s, &is_age) && is_age) {
		*knows = true;
		return at > 0 && is_so(test, ((double)filter->now_wall_ms - at) / 1000, age_s);
	}
	return false;
}

/* ---- one value ---- */

static bool is_word_of(struct slice text, const char *const words[3])
{
	for (size_t i = 0; i < 3; i++)
		if (slice_equal_nocase(text, slice_of(words[i])))
			return true;
	return false;
}

static bool flag_fits(bool flag, struct slice wanted)
{
	static const char *const on[3] = { "on", "true", "yes" }, *const off[3] = { "off", "false", "no" };

	return is_word_of(wanted, flag ? on : off);
}

static bool is_empty(const struct filter_value *value)
{
	return value->kind == FILTER_NOTHING || (value->kind == FILTER_TEXT && value->text.len == 0);
}

static bool value_fits(const struct filter *filter, const struct filter_term *term, const char *key,
                       const struct filter_value *value, struct slice wanted, bool is_peer)
{
	double number;
	bool is_age, knows = false, does;

	if (term->test == FILTER_IS && is_empty(value))
		return wanted.len == 0 || slice_equal(wanted, SLICE("-"));
	if (value->kind == FILTER_FLAG)
		return term->test == FILTER_IS && flag_fits(value->number > 0, wanted);
	if (control_is_instant(slice_of(key))) {
		does = instant_fits(filter, term->test, value, wanted, &knows);
		if (knows)
			return does;
	}
	if (value->kind == FILTER_NUMBER)
		return read_number(wanted, &number, &is_age) && is_so(term->test, value->number, number);
	if (value->kind != FILTER_TEXT)
		return false;
	if (term->test == FILTER_IS)
		return is_peer ? value->text.len > 0 && is_of(value->text, wanted)
		               : fits(value->text, wanted);
	return value->text.len > 0 && is_so(term->test, slice_compare(value->text, wanted), 0);
}

static bool has_value(const struct filter *filter, const struct filter_term *term, const char *key,
                      const struct filter_value *value, bool is_peer)
{
	struct slice rest = term->values, wanted;

	if (!rest.len)
		return value_fits(filter, term, key, value, SLICE(""), is_peer);
	while (slice_next(&rest, '\0', &wanted))
		if ((wanted.len || wanted.len == term->values.len) && /* "up," is still being typed */
		    value_fits(filter, term, key, value, wanted, is_peer))
			return true;
	return false;
}

/* ---- one row ---- */

static bool member_fits(const struct filter *filter, const struct filter_term *term, const char *key,
                        filter_look *look, const void *row, bool is_peer)
{
	struct filter_value value;
	size_t i = 0;

	for (; i < MEMBERS_MAX && look(row, key, i, &value); i++)
		if (has_value(filter, term, key, &value, is_peer))
			return true;
	value = (struct filter_value){ .kind = FILTER_NOTHING };
	return i == 0 && has_value(filter, term, key, &value, is_peer);
}

static bool has_word(const char *key, filter_look *look, const void *row, struct slice word)
{
	struct filter_value value;

	for (size_t i = 0; i < MEMBERS_MAX && look(row, key, i, &value); i++)
		if (value.kind == FILTER_TEXT && contains(value.text, word))
			return true;
	return false;
}

/* Members that name somebody at one end of the row. */
static bool is_end(struct slice key)
{
	static const char *const ends[] = {
		"partner", "domain", "domains", "address",     "from",
		"to",      "local",  "remote",  "sip-address", "additional-domains"
	};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (slice_equal(key, slice_of(ends[i])))
			return true;
	return false;
}

static bool term_holds(const struct filter *filter, const struct filter_term *term, filter_look *look,
                       const void *row)
{
	bool is_peer = slice_equal(slice_of(term->key), SLICE("peer"));
	struct slice rest = slice_of(filter->keys), name;
	char key[FILTER_NAME_BYTES];

	if (term->test != FILTER_WORD && !is_peer)
		return member_fits(filter, term, term->key, look, row, false);
	while (slice_next(&rest, ' ', &name)) {
		if (!slice_to_text(name, key, sizeof key) || key[0] == '~' || (is_peer && !is_end(name)))
			continue;
		if (is_peer ? member_fits(filter, term, key, look, row, true)
		            : has_word(key, look, row, term->values))
			return true;
	}
	return false;
}

bool filter_holds(const struct filter *filter, filter_look *look, const void *row)
{
	for (size_t i = 0; i < filter->count; i++)
		if (term_holds(filter, &filter->terms[i], look, row) != filter->terms[i].is_wanted)
			return false;
	return true;
}

bool filter_asks_for(const struct filter *filter, const char *key)
{
	for (size_t i = 0; i < filter->count; i++)
		if (filter->terms[i].test == FILTER_WORD ||
		    slice_equal(slice_of(filter->terms[i].key), SLICE("peer")) ||
		    slice_equal(slice_of(filter->terms[i].key), slice_of(key)))
			return true;
	return false;
}

/* ---- rows that are JSON ---- */

static bool read_json(const struct json *value, struct filter_value *out)
{
	*out = (struct filter_value){ .kind = FILTER_NOTHING };
	switch (json_kind(value)) {
	case JSON_KIND_TEXT:
		out->kind = FILTER_TEXT;
		out->text = json_as_slice(value);
		return true;
	case JSON_KIND_NUMBER:
		out->kind = FILTER_NUMBER;
		out->number = json_as_real(value, 0);
		return true;
	case JSON_KIND_BOOL:
		out->kind = FILTER_FLAG;
		out->number = json_as_bool(value, false);
		return true;
	default: return false;
	}
}

bool filter_look_json(const void *row, const char *key, size_t index, struct filter_value *out)
{
	const struct json *value = json_get(row, key);

	if (json_kind(value) == JSON_KIND_ARRAY)
		return index < json_count(value) && read_json(json_at(value, index), out);
	return index == 0 && read_json(value, out);
}
