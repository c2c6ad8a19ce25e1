/*
 * filter: which rows a list shows; one grammar for the console's `/`, the command line's --filter and the protocol.
 *
 *   filter = terms with blanks between; all must hold
 *   term   = ["!"] test                      "!": it must not hold
 *   test   = word                            part of any text of the row
 *          | key ":" value *("," value)      one of them is all of it; * stands for anything
 *          | key ("<" | ">" | "<=" | ">=") value
 *   key    = a member of the row, or an unambiguous beginning of its name; "peer" is whoever is at either end
 *   value  = text, 20, 1.5k, 3M, 5m (minutes; also s, h, d), 2026-11-27, on, off; "-": nothing there
 *
 * Quotes keep blanks, commas and stars: comment:"two words".  Case does not matter.  Instants compare with a date or
 * with an age: since<5m is younger than five minutes.  Pure: the rows are asked for their members.
 */
#ifndef SHARED_CONTROL_FILTER_H
#define SHARED_CONTROL_FILTER_H

#include "shared/base/json.h"

enum {
	FILTER_BYTES_MAX = 1024, /* of the text */
	FILTER_TERMS_MAX = 32,
	FILTER_KEYS_BYTES = 1024, /* names of a list's members, blanks between */
	FILTER_NAME_BYTES = 64,
};

enum filter_test {
	FILTER_WORD, /* part of any text */
	FILTER_IS,   /* one of the values */
	FILTER_LESS,
	FILTER_AT_MOST,
	FILTER_MORE,
	FILTER_AT_LEAST,
};

struct filter_term {
	bool is_wanted; /* else it must not hold */
	enum filter_test test;
	char key[FILTER_NAME_BYTES]; /* whole, as the list has it; "" for a word */
	struct slice values;         /* NUL-separated alternatives, a star as \1; in the filter's text */
};

struct filter {
	struct filter_term terms[FILTER_TERMS_MAX];
	size_t count;
	char keys[FILTER_KEYS_BYTES];
	char text[2 * FILTER_BYTES_MAX]; /* what the values point into: a filter is not to be copied */
	int64_t now_wall_ms;
};

/* What is wrong with a filter: where, and which words to say about it. */
enum filter_trouble {
	FILTER_RIGHT,
	FILTER_UNKNOWN_KEY,
	FILTER_AMBIGUOUS_KEY,
	FILTER_OPEN_QUOTE,
	FILTER_NEEDS_NUMBER, /* after < or > */
	FILTER_TOO_LONG,
	FILTER_TROUBLES
};
struct filter_flaw {
	enum filter_trouble trouble;
	char word[FILTER_NAME_BYTES]; /* the term it is about, cut; "" */
	char keys[FILTER_KEYS_BYTES]; /* which there are, or which it may mean */
};

/*
 * `keys`: blank-separated names of the members a row can have; "": not known, so that any name is one.  Words are not
 * looked for in a member with "~" before its name: it is dear to make, and asked for by its key only.
 * False: `flaw` says what is wrong; `out` then shows every row.
 */
bool filter_read(struct slice text, const char *keys, int64_t now_wall_ms, struct filter *out,
                 struct filter_flaw *flaw);
/* The flaw as a sentence, escaped; `translate` may be NULL. */
void filter_flaw_write(const struct filter_flaw *flaw, const char *(*translate)(const char *text),
                       struct buffer *out);

/* One value of a member. */
enum filter_kind { FILTER_NOTHING, FILTER_TEXT, FILTER_NUMBER, FILTER_FLAG };
struct filter_value {
	enum filter_kind kind;
	struct slice text;
	double number; /* of a flag: 1 or 0 */
};
/* The index-th value of a member of the row (a list has several); false: no more. */
typedef bool filter_look(const void *row, const char *key, size_t index, struct filter_value *out);

bool filter_holds(const struct filter *filter, filter_look *look, const void *row);
/* Rows that are JSON objects. */
filter_look filter_look_json;
/* The names of an object's members that can be filtered by, added to `keys` unless they are there. */
void filter_keys_of(const struct json *row, char keys[FILTER_KEYS_BYTES]);
void filter_keys_add(struct slice name, char keys[FILTER_KEYS_BYTES]);
/* Does the filter look at the member?  A word looks at all. */
bool filter_asks_for(const struct filter *filter, const char *key);

/* Is the member an instant, in milliseconds since 1970?  By its name, for filters and for whoever shows it. */
bool control_is_instant(struct slice name);

#endif
