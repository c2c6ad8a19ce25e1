/*
 * Objects of one kind as lines, as spreadsheets and scripts hold them: comma-separated values (RFC 4180) in UTF-8, the
 * first line naming the fields.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { COLUMN_NAME_SHOWN = 80, ITEMS_FIRST = 256, FIELD_ALLOWED_BYTES = 1024 };

struct lines {
	const struct model_kind *kind;
	struct slice file;
	struct slice rest;   /* not read yet */
	uint32_t line, next; /* of the row being read; of the byte at `rest` */
	size_t columns[MODEL_FIELDS_MAX];
	size_t column_count;
	struct model_snapshot *into;
	struct config_problems *problems;
	struct model_object **items;
	size_t count, size;
	struct buffer cell;
	bool is_out_of_memory;
};

/* ---- cells ---- */

enum cell { CELL_NONE, CELL_MORE, CELL_LAST, CELL_BROKEN };

static void refuse(struct lines *l, const char *field, struct slice key, const char *allowed, const char *why)
{
	struct config_place place = { .file = l->file,
		                      .line = l->line,
		                      .kind = l->kind,
		                      .key = key,
		                      .field = field,
		                      .allowed = allowed };

	config_problem_add(l->problems, &place, "%s", why);
}

static void take(struct lines *l, size_t count)
{
	for (size_t i = 0; i < count; i++)
		l->next += l->rest.ptr[i] == '\n';
	l->rest = slice_after(l->rest, count);
}

/* After a cell: a comma, the end of the line, or the end of all. */
static enum cell cell_end(struct lines *l)
{
	if (slice_starts(l->rest, SLICE(","))) {
		take(l, 1);
		return CELL_MORE;
	}
	if (slice_starts(l->rest, SLICE("\r\n")))
		take(l, 2);
	else if (slice_starts(l->rest, SLICE("\n")))
		take(l, 1);
	else if (l->rest.len)
		return CELL_BROKEN;
	return CELL_LAST;
}

static enum cell read_quoted(struct lines *l)
{
	take(l, 1);
	while (l->rest.len) {
		bool is_quote = l->rest.ptr[0] == '"';

		if (is_quote && !slice_starts(l->rest, SLICE("\"\""))) {
			take(l, 1);
			return cell_end(l);
		}
		buffer_add_char(&l->cell, l->rest.ptr[0]);
		take(l, is_quote ? 2 : 1);
	}
	return CELL_BROKEN; /* it was never closed */
}

/* The next cell into l->cell. */
static enum cell read_cell(struct lines *l)
{
	size_t length = 0;

	buffer_clear(&l->cell);
	if (slice_starts(l->rest, SLICE("\"")))
		return read_quoted(l);
	while (length < l->rest.len && !strchr(",\"\r\n", l->rest.ptr[length]))
		length++;
	buffer_add(&l->cell, slice_first(l->rest, length));
	take(l, length);
	return cell_end(l);
}

/* To the end of the line, whatever it holds. */
static void skip_line(struct lines *l)
{
	size_t end = slice_find(l->rest, '\n');

	take(l, end < l->rest.len ? end + 1 : end);
}

/* ---- the first line ---- */

static void names_of(const struct model_kind *kind, char to[FIELD_ALLOWED_BYTES])
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < kind->field_count && used < FIELD_ALLOWED_BYTES; i++)
		used += (size_t)snprintf(to + used, FIELD_ALLOWED_BYTES - used, "%s%s", i ? "," : "",
		                         kind->fields[i].name);
}

static bool add_column(struct lines *l, const char *allowed)
{
	struct slice name = slice_trim(buffer_slice(&l->cell));
	char shown[COLUMN_NAME_SHOWN], why[COLUMN_NAME_SHOWN + 64];
	size_t field = model_field_named(l->kind, name);
	bool is_new = field < l->kind->field_count && l->column_count < MODEL_FIELDS_MAX;

	for (size_t i = 0; i < l->column_count; i++)
		is_new = is_new && l->columns[i] != field;
	if (is_new) {
		l->columns[l->column_count++] = field;
		return true;
	}
	snprintf(why, sizeof why, "the column '%s' %s", text_shown(name, shown, sizeof shown),
	         field < l->kind->field_count ? "stands there twice" : "is no field");
	refuse(l, NULL, SLICE_NONE, allowed, why);
	return false;
}

/* False: nothing below can be read. */
static bool read_head(struct lines *l)
{
	char allowed[FIELD_ALLOWED_BYTES];
	enum cell cell = CELL_MORE;
	bool is_good = true, has_key = false;

	names_of(l->kind, allowed);
	if (slice_starts(l->rest, SLICE("\xef\xbb\xbf"))) /* spreadsheets begin with it */
		take(l, 3);
	while (cell == CELL_MORE && is_good) {
		cell = read_cell(l);
		is_good = cell != CELL_BROKEN && add_column(l, allowed);
	}
	for (size_t i = 0; i < l->column_count; i++)
		has_key = has_key || l->columns[i] == l->kind->key;
	if (is_good && !has_key)
		refuse(l, NULL, SLICE_NONE, allowed,
		       "the first line names no column with the objects' names");
	else if (cell == CELL_BROKEN)
		refuse(l, NULL, SLICE_NONE, allowed, "the first line is no list of columns");
	return is_good && has_key;
}

/* ---- the others ---- */

static void refuse_value(struct lines *l, const struct model_object *object, const struct model_field *field,
                         const char *why)
{
	struct buffer allowed;

	buffer_start(&allowed, FIELD_ALLOWED_BYTES);
	model_allowed(field, &allowed);
	buffer_add_char(&allowed, '\0');
	refuse(l, field->name, model_object_key(object), allowed.is_broken ? "" : buffer_slice(&allowed).ptr,
	       why);
	buffer_stop(&allowed);
}

/* What is not given stays at its default here, and is taken from the present object afterwards. */
static bool set_cell(struct lines *l, struct model_object *object, size_t column)
{
	const struct model_field *field = &l->kind->fields[l->columns[column]];
	struct reason why = { "" };
	enum result result = l->cell.is_broken
	                             ? fail(&why, RESULT_INVALID, "is too long")
	                             : config_value_read(field, buffer_slice(&l->cell), &l->into->arena,
	                                                 &object->values[l->columns[column]], &why);

	if (result == RESULT_NO_MEMORY)
		l->is_out_of_memory = true;
	else if (result != RESULT_OK)
		refuse_value(l, object, field, why.text);
	return result == RESULT_OK;
}

static bool keep_item(struct lines *l, struct model_object *object)
{
	if (l->count == l->size) {
		size_t size = l->size ? l->size * 2 : ITEMS_FIRST;
		struct model_object **items = mem_resize(l->items, size * sizeof(struct model_object *));

		if (!items)
			return false;
		l->items = items;
		l->size = size;
	}
	l->items[l->count++] = object;
	return true;
}

static void read_row(struct lines *l)
{
	struct model_object *object = model_object_new(&l->into->arena, l->kind);
	enum cell cell = CELL_MORE;
	bool is_good = object != NULL;
	char why[96];
	size_t count = 0;

	l->is_out_of_memory |= !object;
	while (object && cell == CELL_MORE) {
		cell = read_cell(l);
		if (cell != CELL_BROKEN && count < l->column_count)
			is_good &= set_cell(l, object, count);
		count++;
	}
	if (!object)
		return;
	object->line = l->line;
	if (cell == CELL_BROKEN) {
		refuse(l, NULL, SLICE_NONE, "quotes around a whole value, doubled inside it",
		       "a quotation mark stands where none can");
		skip_line(l);
		is_good = false;
	} else if (count != l->column_count) {
		snprintf(why, sizeof why, "has %zu values, and the first line names %zu columns", count,
		         l->column_count);
		refuse(l, NULL, model_object_key(object), NULL, why);
		is_good = false;
	}
	if (is_good && !keep_item(l, object))
		l->is_out_of_memory = true;
}

static void read_rows(struct lines *l)
{
	while (l->rest.len && !l->is_out_of_memory) {
		l->line = l->next;
		if (slice_starts(l->rest, SLICE("\n")) || slice_starts(l->rest, SLICE("\r\n")))
			skip_line(l);
		else
			read_row(l);
	}
}

/* ---- into the snapshot ---- */

static int by_key_then_line(const void *a, const void *b)
{
	const struct model_object *one = *(struct model_object *const *)a;
	const struct model_object *other = *(struct model_object *const *)b;
	int order = slice_compare(model_object_key(one), model_object_key(other));

	return order ? order : one->line < other->line ? -1 : one->line > other->line;
}

static void sort_items(struct lines *l)
{
	size_t kept = 0;
	char why[64];

	if (l->count > 1)
		qsort(l->items, l->count, sizeof(struct model_object *), by_key_then_line);
	for (size_t i = 0; i < l->count; i++) {
		struct model_object *before = kept ? l->items[kept - 1] : NULL;

		if (!before || !slice_equal(model_object_key(before), model_object_key(l->items[i]))) {
			l->items[kept++] = l->items[i];
			continue;
		}
		l->line = l->items[i]->line;
		snprintf(why, sizeof why, "stands here twice, first on line %u", (unsigned)before->line);
		refuse(l, NULL, model_object_key(before), "each once", why);
	}
	l->count = kept;
}

/* Fields without a column stay as they are. */
static void keep_present(const struct lines *l)
{
	bool is_given[MODEL_FIELDS_MAX] = { false };

	for (size_t i = 0; i < l->column_count; i++)
		is_given[l->columns[i]] = true;
	for (size_t i = 0; i < l->count; i++) {
		struct model_object *item = l->items[i];
		const struct model_object *present = model_snapshot_find(l->into, l->kind->id,
		                                                         model_object_key(item));

		for (size_t f = 0; present && f < l->kind->field_count; f++)
			if (!is_given[f])
				item->values[f] = present->values[f];
		if (present)
			item->comment = present->comment;
	}
}

static void tell_fault(void *to, const struct model_fault *fault)
{
	const struct model_object *object = fault->object;
	struct lines *l = to;

	if (fault->is_warning || !object || object->kind != l->kind || object->line == 0)
		return;
	l->line = object->line;
	refuse(l, fault->field < l->kind->field_count ? l->kind->fields[fault->field].name : NULL,
	       model_object_key(object), fault->allowed, fault->why.text);
}

static enum result put_items(struct lines *l)
{
	const struct model_objects *present = &l->into->kinds[l->kind->id];
	enum result result;

	for (size_t i = 0; i < present->count; i++)
		present->items[i]->line = 0; /* so that a line is one of this list */
	keep_present(l);
	result = model_snapshot_put_all(l->into, l->kind->id, l->items, l->count);
	if (result == RESULT_OK)
		model_snapshot_faults(l->into, tell_fault, l);
	return result;
}

enum result config_lines_read(const struct model_kind *kind, struct slice file, struct slice text,
                              struct model_snapshot *into, struct config_problems *problems)
{
	struct lines l = { .kind = kind,
		           .file = file,
		           .rest = text,
		           .line = 1,
		           .next = 1,
		           .into = into,
		           .problems = problems };
	enum result result = RESULT_OK;

	buffer_start(&l.cell, CONFIG_FIELD_BYTES_MAX);
	if (!text_is_utf8(text)) {
		refuse(&l, NULL, SLICE_NONE, "UTF-8", "the list is not UTF-8 text");
	} else if (read_head(&l)) {
		read_rows(&l);
		sort_items(&l);
	}
	if (l.is_out_of_memory)
		result = RESULT_NO_MEMORY;
	else if (problems->count == 0)
		result = put_items(&l);
	buffer_stop(&l.cell);
	mem_free(l.items);
	return result == RESULT_OK && problems->count ? RESULT_INVALID : result;
}

/* ---- writing ---- */

void config_lines_head(const struct model_kind *kind, struct buffer *out)
{
	for (size_t i = 0; i < kind->field_count; i++)
		buffer_printf(out, "%s%s", i ? "," : "", kind->fields[i].name);
	buffer_add_char(out, '\n');
}

static bool needs_quotes(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (strchr(",\"\r\n", value.ptr[i]))
			return true;
	return value.len && (value.ptr[0] == ' ' || value.ptr[value.len - 1] == ' ');
}

void config_lines_write(const struct model_object *object, struct buffer *out)
{
	struct buffer value;

	buffer_start(&value, CONFIG_FIELD_BYTES_MAX);
	for (size_t i = 0; i < object->kind->field_count; i++) {
		struct slice text;

		buffer_clear(&value);
		model_value_write(&object->kind->fields[i], &object->values[i], &value);
		text = buffer_slice(&value);
		if (i)
			buffer_add_char(out, ',');
		if (!needs_quotes(text)) {
			buffer_add(out, text);
			continue;
		}
		buffer_add_char(out, '"');
		for (size_t b = 0; b < text.len; b++) {
			if (text.ptr[b] == '"')
				buffer_add_char(out, '"');
			buffer_add_char(out, text.ptr[b]);
		}
		buffer_add_char(out, '"');
	}
	buffer_add_char(out, '\n');
	out->is_broken |= value.is_broken;
	buffer_stop(&value);
}
