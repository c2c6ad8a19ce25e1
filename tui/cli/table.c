#include "tui/cli/table.h"

#include <stdlib.h>

#include "tui/client/words.h"

/* ---- which columns ---- */

static enum print_shape shape_of(enum column_type type)
{
	switch (type) {
	case COLUMN_NUMBER: return PRINT_NUMBER;
	case COLUMN_RATE: return PRINT_RATE;
	case COLUMN_AGE: return PRINT_AGE;
	case COLUMN_TIME: return PRINT_TIME;
	case COLUMN_SPAN: return PRINT_NUMBER;
	case COLUMN_WORD:
	case COLUMN_STATE: return PRINT_WORD;
	case COLUMN_TEXT:
	case COLUMN_TREE:
	case COLUMN_TROUBLE:
	case COLUMN_FLAG:
	case COLUMN_MODEL: break;
	}
	return PRINT_TEXT;
}

void table_columns(const struct columns *from, struct print_column to[COLUMNS_MAX + 1])
{
	for (size_t i = 0; i < from->count; i++)
		to[i] = (struct print_column){ from->columns[i].heading, from->columns[i].member,
			                       shape_of(from->columns[i].type) };
	to[from->count] = (struct print_column){ NULL, NULL, PRINT_TEXT };
}

/* ---- in which order ---- */

struct order {
	const char *member;
	int sign;
};

/* Numbers by size, words by their letters, what is not there last whichever way round. */
static int compare_values(const struct json *a, const struct json *b, int sign)
{
	bool has_a = a && json_kind(a) != JSON_KIND_NULL, has_b = b && json_kind(b) != JSON_KIND_NULL;
	struct slice text_a = json_as_slice(a), text_b = json_as_slice(b);

	if (has_a != has_b)
		return has_a ? -1 : 1;
	if (json_kind(a) == JSON_KIND_NUMBER && json_kind(b) == JSON_KIND_NUMBER)
		return sign * (json_as_real(a, 0) < json_as_real(b, 0)
		                       ? -1
		                       : json_as_real(a, 0) > json_as_real(b, 0));
	if (json_kind(a) == JSON_KIND_BOOL && json_kind(b) == JSON_KIND_BOOL)
		return sign * ((int)json_as_bool(a, false) - (int)json_as_bool(b, false));
	for (size_t i = 0; i < text_a.len && i < text_b.len; i++) {
		int difference = (unsigned char)ascii_lower(text_a.ptr[i]) -
		                 (unsigned char)ascii_lower(text_b.ptr[i]);

		if (difference)
			return sign * difference;
	}
	return sign * (text_a.len < text_b.len ? -1 : text_a.len > text_b.len);
}

static int compare_rows(const void *a, const void *b, void *to)
{
	const struct order *order = to;
	const struct json *const *one = a, *const *other = b;

	return compare_values(json_get(*one, order->member), json_get(*other, order->member), order->sign);
}

static enum result sort_rows(const struct table_wish *wish, enum control_verb_id verb,
                             const struct json **rows, size_t count, struct reason *reason)
{
	bool is_reversed = wish->sort[0] == '-';
	char kept[COLUMN_NAME_BYTES];
	struct column column = { .member = "" };
	enum result result = columns_find(verb, slice_of(wish->sort + is_reversed), rows, count, kept,
	                                  &column, reason);
	struct order order = { column.member, is_reversed ? -1 : 1 };

	if (result == RESULT_OK && count)
		qsort_r(rows, count, sizeof *rows, compare_rows, &order);
	return result;
}

/* ---- as what ---- */

/*
 * Spreadsheets take a text that begins so for a formula, and much of what a list shows was written by strangers: an
 * apostrophe before it makes it text.  A telephone number or a negative one is none.
 */
static bool is_formula(struct slice text)
{
	size_t at = 1;

	if (!text.len || !strchr("=+-@", text.ptr[0]))
		return false;
	if (text.ptr[0] == '=' || text.ptr[0] == '@')
		return true;
	while (at < text.len && strchr("0123456789.", text.ptr[at]))
		at++;
	return at < text.len;
}

/* RFC 4180 §2: quotes where a value has a comma, a quote or a line's end; a quote is doubled. */
static void put_csv(struct buffer *out, const char *before, struct slice text)
{
	bool needs_quotes = slice_find(text, ',') < text.len || slice_find(text, '"') < text.len ||
	                    (text.len && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' '));

	if (!needs_quotes) {
		buffer_add(out, slice_of(before));
		buffer_add(out, text);
		return;
	}
	buffer_add_char(out, '"');
	buffer_add(out, slice_of(before));
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buffer_add_char(out, '"');
		buffer_add_char(out, text.ptr[i]);
	}
	buffer_add_char(out, '"');
}

static bool is_nothing(const struct json *value)
{
	return !value || json_kind(value) == JSON_KIND_NULL ||
	       (json_kind(value) == JSON_KIND_TEXT && slice_is_empty(json_as_slice(value))) ||
	       (json_kind(value) == JSON_KIND_ARRAY && json_count(value) == 0);
}

static void print_csv(struct buffer *out, const struct print_style *style, const struct columns *chosen,
                      const struct json **rows, size_t count)
{
	struct print_style plain = *style;
	struct buffer cell;

	plain.is_utf8 = true;
	buffer_start(&cell, 64 * 1024);
	for (size_t c = 0; style->has_headings && c < chosen->count; c++) {
		buffer_add(out, c ? SLICE(",") : SLICE(""));
		put_csv(out, "", slice_of(chosen->columns[c].member));
	}
	buffer_add(out, style->has_headings ? SLICE("\r\n") : SLICE(""));
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c < chosen->count; c++) {
			const struct json *value = json_get(rows[i], chosen->columns[c].member);

			buffer_clear(&cell);
			if (!is_nothing(value))
				print_value(&cell, &plain, value, PRINT_TEXT);
			buffer_add(out, c ? SLICE(",") : SLICE(""));
			put_csv(out, is_formula(buffer_slice(&cell)) ? "'" : "", buffer_slice(&cell));
		}
		buffer_add(out, SLICE("\r\n"));
	}
	buffer_stop(&cell);
}

/* One a line; hidden characters as \\uXXXX. */
static void print_objects(struct buffer *out, const struct columns *chosen, const struct json **rows,
                          size_t count)
{
	buffer_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		buffer_add(out, i ? SLICE(",\n{") : SLICE("\n{"));
		for (size_t c = 0, used = 0; c < chosen->count; c++) {
			const struct json *value = json_get(rows[i], chosen->columns[c].member);
			struct json_writer w = json_write(out);

			if (!value)
				continue;
			buffer_add(out, used++ ? SLICE(",") : SLICE(""));
			json_put_slice(&w, NULL, slice_of(chosen->columns[c].member));
			buffer_add_char(out, ':');
			print_json(out, value);
		}
		buffer_add_char(out, '}');
	}
	buffer_add(out, SLICE("\n]\n"));
}

enum result table_print(struct buffer *out, const struct print_style *style, enum control_verb_id verb,
                        const struct table_wish *wish, const struct json **rows, size_t count,
                        struct reason *reason)
{
	struct print_column columns[COLUMNS_MAX + 1];
	struct columns chosen;
	enum result result = RESULT_OK;

	if (wish->columns)
		result = columns_choose(verb, slice_of(wish->columns), rows, count, &chosen, reason);
	else
		columns_preset(verb, COLUMN_LINE, &chosen);
	if (result == RESULT_OK && wish->sort)
		result = sort_rows(wish, verb, rows, count, reason);
	if (result != RESULT_OK)
		return result;
	table_columns(&chosen, columns);
	if (wish->form == TABLE_CSV)
		print_csv(out, style, &chosen, rows, count);
	else if (wish->form == TABLE_JSON)
		print_objects(out, &chosen, rows, count);
	else
		print_rows(out, style, columns, rows, count);
	return RESULT_OK;
}
