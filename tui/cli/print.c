#include "tui/cli/print.h"

#include <string.h>
#include <wchar.h>

#include "shared/base/memory.h"
#include "shared/base/text.h"
#include "shared/control/filter.h"
#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"

enum { PRINT_CELL_MAX = 64 * 1024, PRINT_JSON_MAX = 1024 * 1024, PRINT_GAP = 2 };

void print_text(struct buffer *out, const struct print_style *style, struct slice text)
{
	while (text.len) {
		uint32_t c;
		size_t n = text_utf8_decode(text, &c);

		if (n == 0 || text_is_hidden(c) || (c >= 0x80 && !style->is_utf8)) {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				buffer_printf(out, "\\x%02x", (unsigned char)text.ptr[i]);
		} else {
			buffer_add(out, slice_first(text, n));
		}
		text = slice_after(text, n);
	}
}

size_t print_width(struct slice printed)
{
	size_t cells = 0;

	while (printed.len) {
		uint32_t c;
		size_t n = text_utf8_decode(printed, &c);
		int width = n && c >= 0x80 ? wcwidth((wchar_t)c) : 1;

		cells += width > 0 ? (size_t)width : 0;
		printed = slice_after(printed, n ? n : 1);
	}
	return cells;
}

void print_padded(struct buffer *out, const char *text, size_t width)
{
	buffer_add(out, slice_of(text));
	for (size_t used = print_width(slice_of(text)); used < width; used++)
		buffer_add_char(out, ' ');
}

static bool is_among(struct slice name, const char *list)
{
	struct slice rest = slice_of(list), word;

	while (slice_next(&rest, ' ', &word))
		if (word.len && slice_equal(word, name))
			return true;
	return false;
}

struct member_row {
	const char *name, *words; /* N_() */
	enum print_shape shape;
	const char *unit; /* N_(); NULL: none */
};

static const struct member_row member_rows[] = {
#define MEMBER(name, words, shape, unit) { name, words, PRINT_##shape, unit },
#include "tui/cli/members.def"
#undef MEMBER
};

/* The member of the object `of`, else of any; NULL: it has no words, or is a setting (`of` is NULL). */
static const struct member_row *member_row(const char *of, struct slice name)
{
	size_t length = of ? strlen(of) : 0;
	const struct member_row *found = NULL;

	for (size_t i = 0; of && i < sizeof member_rows / sizeof *member_rows; i++) {
		struct slice row = slice_of(member_rows[i].name);

		if (slice_equal(row, name))
			found = &member_rows[i];
		else if (length && slice_starts(row, slice_of(of)) && row.ptr[length] == '.' &&
		         slice_equal(slice_after(row, length + 1), name))
			return &member_rows[i];
	}
	return found;
}

/* Instants are milliseconds in the protocol; nobody reads those. */
static enum print_shape shape_of(struct slice name)
{
	return control_is_instant(name) ? PRINT_TIME : PRINT_TEXT;
}

/* A list of scalars reads "a b", an object of scalars "x=1 y=2"; false: deeper than that. */
static bool print_scalars(struct buffer *out, const struct print_style *style, const struct json *value)
{
	bool is_object = json_kind(value) == JSON_KIND_OBJECT;
	struct slice key = SLICE_NONE;
	const struct json *item;

	for (size_t i = 0; i < json_count(value); i++) {
		item = json_at(value, i);
		if (is_object && !json_member(value, i, &key, &item))
			return false;
		if (json_kind(item) >= JSON_KIND_ARRAY)
			return false;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		item = json_at(value, i);
		if (i)
			buffer_add_char(out, ' ');
		if (is_object && json_member(value, i, &key, &item)) {
			print_text(out, style, key);
			buffer_add_char(out, '=');
		}
		print_value(out, style, item, is_object ? shape_of(key) : PRINT_TEXT);
	}
	if (json_count(value) == 0)
		buffer_add_char(out, '-');
	return true;
}

void print_value(struct buffer *out, const struct print_style *style, const struct json *value,
                 enum print_shape shape)
{
	char shown[SHOWN_BYTES];
	struct json_writer w = json_write(out);
	struct buffer whole;

	switch (json_kind(value)) {
	case JSON_KIND_NULL: buffer_add_char(out, '-'); return;
	case JSON_KIND_BOOL:
		if (shape == PRINT_WORD && style->is_terminal)
			buffer_add(out, slice_of(json_as_bool(value, false) ? _("yes") : _("no")));
		else
			buffer_add(out, json_as_bool(value, false) ? SLICE("true") : SLICE("false"));
		return;
	case JSON_KIND_TEXT:
		if (slice_is_empty(json_as_slice(value)))
			buffer_add_char(out, '-');
		else if (shape == PRINT_WORD && style->is_terminal)
			print_text(out, style, said_word(json_as_slice(value)));
		else
			print_text(out, style, json_as_slice(value));
		return;
	case JSON_KIND_NUMBER:
		if (shape == PRINT_AGE)
			buffer_add(out,
			           slice_of(shown_age(style->now.wall_ms - json_as_number(value, 0), shown)));
		else if (shape == PRINT_TIME)
			buffer_add(out, slice_of(shown_time(json_as_number(value, 0), shown)));
		else if (shape == PRINT_RATE)
			buffer_add(out, slice_of(shown_rate(json_as_real(value, 0), shown)));
		else
			json_write_value(&w, NULL, value);
		return;
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		if (print_scalars(out, style, value))
			return;
		break;
	}
	buffer_start(&whole, PRINT_CELL_MAX);
	print_json(&whole, value);
	print_text(out, style, buffer_slice(&whole));
	buffer_stop(&whole);
}

static void add_blanks(struct buffer *out, size_t count)
{
	while (count-- > 0)
		buffer_add_char(out, ' ');
}

static bool is_numeric(enum print_shape shape) { return shape == PRINT_NUMBER || shape == PRINT_RATE; }

/* The last column is not padded: a copied line has no blanks at its end. */
static void add_cell(struct buffer *out, struct slice text, size_t width, enum print_shape shape,
                     bool is_last)
{
	size_t cells = print_width(text), gap = width > cells ? width - cells : 0;

	if (is_numeric(shape))
		add_blanks(out, gap);
	buffer_add(out, text);
	if (!is_numeric(shape) && !is_last)
		add_blanks(out, gap);
	if (!is_last)
		add_blanks(out, PRINT_GAP);
}

static void print_aligned(struct buffer *out, const struct print_style *style,
                          const struct print_column *columns, const struct json *const *rows, size_t total)
{
	size_t widths[PRINT_COLUMNS_MAX] = { 0 }, count = 0;
	struct buffer cell;

	buffer_start(&cell, PRINT_CELL_MAX);
	for (; count < PRINT_COLUMNS_MAX && columns[count].member; count++)
		widths[count] = print_width(slice_of(_(columns[count].heading)));
	for (size_t i = 0; i < total; i++) {
		for (size_t c = 0; c < count; c++) {
			size_t width;

			buffer_clear(&cell);
			print_value(&cell, style, json_get(rows[i], columns[c].member), columns[c].shape);
			width = print_width(buffer_slice(&cell));
			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	for (size_t c = 0; style->has_headings && c < count; c++)
		add_cell(out, slice_of(_(columns[c].heading)), widths[c], columns[c].shape, c + 1 == count);
	if (style->has_headings)
		buffer_add_char(out, '\n');
	for (size_t i = 0; i < total; i++) {
		for (size_t c = 0; c < count; c++) {
			buffer_clear(&cell);
			print_value(&cell, style, json_get(rows[i], columns[c].member), columns[c].shape);
			add_cell(out, buffer_slice(&cell), widths[c], columns[c].shape, c + 1 == count);
		}
		buffer_add_char(out, '\n');
	}
	buffer_stop(&cell);
}

void print_rows(struct buffer *out, const struct print_style *style, const struct print_column *columns,
                const struct json *const *rows, size_t total)
{
	if (style->is_terminal && total == 0) {
		buffer_printf(out, "%s\n", _("nothing to list"));
		return;
	}
	if (style->is_terminal) {
		print_aligned(out, style, columns, rows, total);
		return;
	}
	for (size_t i = 0; i < total; i++) {
		for (size_t c = 0; columns[c].member; c++) {
			if (c)
				buffer_add_char(out, '\t');
			print_value(out, style, json_get(rows[i], columns[c].member), columns[c].shape);
		}
		buffer_add_char(out, '\n');
	}
}

void print_table(struct buffer *out, const struct print_style *style, const struct print_column *columns,
                 const struct json *rows)
{
	size_t count = json_count(rows);
	const struct json **list = mem_new_array(count + 1, sizeof *list);

	if (!list) {
		out->is_broken = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		list[i] = json_at(rows, i);
	print_rows(out, style, columns, list, count);
	mem_free(list);
}

/* What stands before a member's value. */
static struct slice member_words(const struct print_style *style, const struct member_row *row,
                                 struct slice key)
{
	return row && style->is_terminal ? slice_of(_(row->words)) : key;
}

static void print_member(struct buffer *out, const struct print_style *style, const struct member_row *row,
                         struct slice key, const struct json *value)
{
	print_value(out, style, value, row ? row->shape : shape_of(key));
	if (row && row->unit && style->is_terminal && json_kind(value) == JSON_KIND_NUMBER)
		buffer_printf(out, " %s", _(row->unit));
}

void print_members_of(struct buffer *out, const struct print_style *style, const char *of,
                      const struct json *object, const char *without)
{
	struct slice key;
	const struct json *value;
	size_t width = 0;

	for (size_t i = 0; json_member(object, i, &key, &value); i++) {
		size_t cells = print_width(member_words(style, member_row(of, key), key));

		if (!is_among(key, without) && cells > width)
			width = cells;
	}
	for (size_t i = 0; json_member(object, i, &key, &value); i++) {
		const struct member_row *row = member_row(of, key);
		struct slice words = member_words(style, row, key);

		if (is_among(key, without))
			continue;
		print_text(out, style, words);
		if (style->is_terminal)
			add_blanks(out, width - print_width(words) + PRINT_GAP);
		else
			buffer_add_char(out, '\t');
		print_member(out, style, row, key, value);
		buffer_add_char(out, '\n');
	}
}

void print_members(struct buffer *out, const struct print_style *style, const struct json *object,
                   const char *without)
{
	print_members_of(out, style, "", object, without);
}

void print_json(struct buffer *out, const struct json *value)
{
	struct buffer plain;
	struct json_writer w = json_write(&plain);
	struct slice rest;

	buffer_start(&plain, PRINT_JSON_MAX);
	json_write_value(&w, NULL, value);
	rest = buffer_slice(&plain);
	while (rest.len) {
		uint32_t c;
		size_t n = text_utf8_decode(rest, &c);

		if (n <= 1 && (unsigned char)rest.ptr[0] != 0x7f) {
			n = 1;
			buffer_add_char(out, rest.ptr[0]);
		} else if (!text_is_hidden(c)) {
			buffer_add(out, slice_first(rest, n));
		} else if (c < 0x10000) {
			buffer_printf(out, "\\u%04X", (unsigned)c);
		} else { /* RFC 8259 §7: a surrogate pair */
			buffer_printf(out, "\\u%04X\\u%04X", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
			              (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
		}
		rest = slice_after(rest, n);
	}
	buffer_stop(&plain);
}
