#include "tui/cli/table.h"

#include <stdlib.h>

#include "tui/client/words.h"

enum { TABLE_NAME_BYTES = 64, TABLE_LOOKED_AT = 100, TABLE_HINT_BYTES = 400 };

struct chosen {
	struct print_column columns[PRINT_COLUMNS_MAX + 1]; /* the last has a NULL member */
	char names[PRINT_COLUMNS_MAX][TABLE_NAME_BYTES];
	size_t count;
};

/* ---- which columns ---- */

static const struct print_column *preset_named(const struct print_column *preset, struct slice name)
{
	for (; preset->member; preset++)
		if (slice_equal_nocase(name, slice_of(preset->member)) ||
		    slice_equal_nocase(name, slice_of(preset->heading)) ||
		    slice_equal_nocase(name, slice_of(_(preset->heading))))
			return preset;
	return NULL;
}

/* Rows of one list need not have the same members: a connection that failed has no counts. */
static bool has_member(const struct json **rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count && i < TABLE_LOOKED_AT; i++)
		if (json_get(rows[i], name))
			return true;
	return count == 0;
}

static enum result refuse_name(struct slice name, const struct json *row, struct reason *reason)
{
	char hint[TABLE_HINT_BYTES], shown[TABLE_NAME_BYTES];
	const struct json *value;
	struct slice member;
	struct buffer list;

	buffer_start_fixed(&list, hint, sizeof hint);
	for (size_t i = 0; json_member(row, i, &member, &value); i++)
		if (member.len + 4 < buffer_room(&list))
			buffer_printf(&list, "%s%.*s", i ? ", " : "", SLICE_ARG(member));
	buffer_add_char(&list, '\0');
	slice_to_text(slice_first(name, name.len < sizeof shown ? name.len : sizeof shown - 1), shown,
	              sizeof shown);
	return fail(reason, RESULT_INVALID, _("there is no column \"%s\"; there are: %s"), shown, hint);
}

static enum result find_column(struct slice name, const struct print_column *preset, const struct json **rows,
                               size_t count, char kept[TABLE_NAME_BYTES], struct print_column *out,
                               struct reason *reason)
{
	const struct print_column *known = preset_named(preset, name);

	if (known) {
		*out = *known;
		return RESULT_OK;
	}
	if (name.len == 0 || !slice_to_text(name, kept, TABLE_NAME_BYTES) || !has_member(rows, count, kept))
		return refuse_name(name, count ? rows[0] : NULL, reason);
	*out = (struct print_column){ kept, kept, PRINT_TEXT };
	return RESULT_OK;
}

static enum result choose(const struct table_wish *wish, const struct print_column *preset,
                          const struct json **rows, size_t count, struct chosen *out, struct reason *reason)
{
	struct slice rest = slice_of(wish->columns ? wish->columns : ""), name;
	enum result result = RESULT_OK;

	out->count = 0;
	for (; !wish->columns && preset[out->count].member; out->count++)
		out->columns[out->count] = preset[out->count];
	while (result == RESULT_OK && rest.len && slice_next(&rest, ',', &name)) {
		if (out->count == PRINT_COLUMNS_MAX)
			return fail(reason, RESULT_LIMIT, _("more than %d columns"), PRINT_COLUMNS_MAX);
		result = find_column(slice_trim(name), preset, rows, count, out->names[out->count],
		                     &out->columns[out->count], reason);
		out->count++;
	}
	out->columns[out->count] = (struct print_column){ NULL, NULL, PRINT_TEXT };
	return result;
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

static enum result sort_rows(const struct table_wish *wish, const struct print_column *preset,
                             const struct json **rows, size_t count, struct reason *reason)
{
	bool is_reversed = wish->sort[0] == '-';
	char kept[TABLE_NAME_BYTES];
	struct print_column column;
	enum result result = find_column(slice_of(wish->sort + is_reversed), preset, rows, count, kept,
	                                 &column, reason);
	struct order order = { column.member, is_reversed ? -1 : 1 };

	if (result == RESULT_OK && count)
		qsort_r(rows, count, sizeof *rows, compare_rows, &order);
	return result;
}

/* ---- as what ---- */

/* RFC 4180 §2: quotes where a value has a comma, a quote or a line's end; a quote is doubled. */
static void put_csv(struct buffer *out, struct slice text)
{
	bool needs_quotes = slice_find(text, ',') < text.len || slice_find(text, '"') < text.len ||
	                    (text.len && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' '));

	if (!needs_quotes) {
		buffer_add(out, text);
		return;
	}
	buffer_add_char(out, '"');
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

static void print_csv(struct buffer *out, const struct print_style *style, const struct chosen *chosen,
                      const struct json **rows, size_t count)
{
	struct print_style plain = *style;
	struct buffer cell;

	plain.is_utf8 = true;
	buffer_start(&cell, 64 * 1024);
	for (size_t c = 0; style->has_headings && c < chosen->count; c++) {
		buffer_add(out, c ? SLICE(",") : SLICE(""));
		put_csv(out, slice_of(chosen->columns[c].member));
	}
	buffer_add(out, style->has_headings ? SLICE("\r\n") : SLICE(""));
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c < chosen->count; c++) {
			const struct json *value = json_get(rows[i], chosen->columns[c].member);

			buffer_clear(&cell);
			if (!is_nothing(value))
				print_value(&cell, &plain, value, PRINT_TEXT);
			buffer_add(out, c ? SLICE(",") : SLICE(""));
			put_csv(out, buffer_slice(&cell));
		}
		buffer_add(out, SLICE("\r\n"));
	}
	buffer_stop(&cell);
}

enum result table_print(struct buffer *out, const struct print_style *style,
                        const struct print_column *preset, const struct table_wish *wish,
                        const struct json **rows, size_t count, struct reason *reason)
{
	struct chosen chosen;
	enum result result = choose(wish, preset, rows, count, &chosen, reason);

	if (result == RESULT_OK && wish->sort)
		result = sort_rows(wish, preset, rows, count, reason);
	if (result == RESULT_OK && wish->is_csv)
		print_csv(out, style, &chosen, rows, count);
	else if (result == RESULT_OK)
		print_rows(out, style, chosen.columns, rows, count);
	return result;
}
