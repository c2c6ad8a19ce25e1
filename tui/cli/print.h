/*
 * print: rows as an aligned table on a terminal, tab-separated elsewhere.
 *
 * Everything from the daemon passes print_text: hidden characters are shown as
 * \xHH, so a partner's name can neither move the cursor nor forge a column.
 */
#ifndef TUI_CLI_PRINT_H
#define TUI_CLI_PRINT_H

#include "shared/base/buffer.h"
#include "shared/base/clock.h"
#include "shared/base/json.h"

struct print_style {
	bool is_terminal;  /* aligned; else tab-separated, without headings */
	bool has_headings; /* of an aligned table */
	bool is_utf8;      /* else what is not ASCII is shown as \xHH */
	struct instant now;
};

/* PRINT_WORD: a word of the wire ("up"), or true and false: on a terminal in the reader's language. */
enum print_shape { PRINT_TEXT, PRINT_WORD, PRINT_NUMBER, PRINT_RATE, PRINT_AGE, PRINT_TIME };

struct print_column {
	const char *heading; /* N_() */
	const char *member;
	enum print_shape shape;
};

enum { PRINT_COLUMNS_MAX = 16 };

/* One line's worth of someone else's text. A backslash stays one: sentences of the daemon are escaped already. */
void print_text(struct buffer *out, const struct print_style *style, struct slice text);
/* Cells that print_text's output takes on a terminal. */
size_t print_width(struct slice printed);
/* With blanks behind it to `width` cells. */
void print_padded(struct buffer *out, const char *text, size_t width);
/* `rows` is an array of objects; columns end with a NULL member. */
void print_table(struct buffer *out, const struct print_style *style, const struct print_column *columns,
                 const struct json *rows);
void print_rows(struct buffer *out, const struct print_style *style, const struct print_column *columns,
                const struct json *const *rows, size_t count);
/* One scalar as people read it; arrays and objects as JSON. */
void print_value(struct buffer *out, const struct print_style *style, const struct json *value,
                 enum print_shape shape);
/*
 * "name   value" per member of `object`, without those in `without` (blank-separated).  On a terminal members.def says
 * in words what a name means, and its unit; elsewhere stands the name, for scripts.
 */
void print_members(struct buffer *out, const struct print_style *style, const struct json *object,
                   const char *without);
/* The same, where the object has a name that members.def knows; NULL: its members are settings, which keep theirs. */
void print_members_of(struct buffer *out, const struct print_style *style, const char *of,
                      const struct json *object, const char *without);
/* The value as JSON on one line; hidden characters as \uXXXX: the same value, harmless on a terminal. */
void print_json(struct buffer *out, const struct json *value);

#endif
