#include "tui/client/columns.h"

#include "shared/control/filter.h"
#include "shared/model/model.h"
#include "tui/client/nearest.h"
#include "tui/client/words.h"

enum { ROWS_LOOKED_AT = 100, TEXT_WIDTH = 12, FLAG_WIDTH = 3, NUMBER_WIDTH = 5 };

static const struct row {
	enum control_verb_id verb;
	struct column column;
} rows_of_table[] = {
#define COLUMN(verb, member, heading, type, width, grows, priority, where)                                   \
	{ CONTROL_VERB_##verb, { member, heading, COLUMN_##type, width, grows, priority, COLUMN_##where } },
#include "tui/client/columns.def"
#undef COLUMN
};
enum { ROWS = sizeof rows_of_table / sizeof *rows_of_table };

/* ---- fields of the kind that a list is of ---- */

/* The n-th kind whose fields a verb of the same noun takes: SIP domains are of two. */
static const struct model_kind *kind_of(enum control_verb_id list, size_t n)
{
	const char *noun = control_verb(list)->noun;
	const struct model_kind *last = NULL;

	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *verb = control_verb((enum control_verb_id)i);
		struct control_argument argument;

		if (!noun[0] || !slice_equal(slice_of(verb->noun), slice_of(noun)))
			continue;
		for (size_t a = 0; control_verb_argument(verb, a, &argument); a++) {
			const struct model_kind *kind = argument.is_fields
			                                        ? model_kind_named(slice_of(argument.name))
			                                        : NULL;

			if (!kind || kind == last)
				continue;
			if (n-- == 0)
				return kind;
			last = kind;
		}
	}
	return NULL;
}

static const struct model_field *field_of(enum control_verb_id list, struct slice name)
{
	const struct model_kind *kind;

	for (size_t n = 0; (kind = kind_of(list, n)) != NULL; n++)
		for (size_t i = 0; i < kind->field_count; i++)
			if (slice_equal(slice_of(kind->fields[i].name), name))
				return &kind->fields[i];
	return NULL;
}

static int widest_choice(const struct model_field *field)
{
	struct slice rest = slice_of(field->choices), choice;
	size_t widest = FLAG_WIDTH;

	while (slice_next(&rest, '|', &choice))
		widest = choice.len > widest ? choice.len : widest;
	return (int)widest;
}

/* Type and width as the field says; a text where there is none. */
static void fit(struct column *column, const struct model_field *field)
{
	column->type = COLUMN_TEXT;
	column->width = TEXT_WIDTH;
	column->grows = !field || field->type == MODEL_TEXT ? 2 : model_type_is_list(field->type) ? 3 : 0;
	if (field && field->type == MODEL_BOOL) {
		column->type = COLUMN_FLAG;
		column->width = FLAG_WIDTH;
	} else if (field && field->type == MODEL_NUMBER) {
		column->type = COLUMN_NUMBER;
		column->width = NUMBER_WIDTH;
	} else if (field && field->type == MODEL_ENUM) {
		column->type = COLUMN_WORD;
		column->width = widest_choice(field);
	}
}

static struct column of_row(const struct row *row)
{
	struct column column = row->column;

	if (column.type == COLUMN_MODEL)
		fit(&column, field_of(row->verb, slice_of(column.member)));
	return column;
}

/* ---- without a wish ---- */

bool columns_are_known(enum control_verb_id verb)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows_of_table[i].verb == verb)
			return true;
	return false;
}

void columns_preset(enum control_verb_id verb, enum column_place where, struct columns *out)
{
	out->count = 0;
	for (size_t i = 0; i < ROWS && out->count < COLUMNS_MAX; i++)
		if (rows_of_table[i].verb == verb && rows_of_table[i].column.where & where)
			out->columns[out->count++] = of_row(&rows_of_table[i]);
}

/* ---- by name ---- */

static bool is_named(const struct column *column, struct slice name)
{
	return slice_equal_nocase(name, slice_of(column->member)) ||
	       slice_equal_nocase(name, slice_of(column->heading)) ||
	       slice_equal_nocase(name, slice_of(_(column->heading)));
}

/* A value that a row of the list has; rows of one list need not have the same members. */
static const struct json *value_of(const struct json *const *rows, size_t count, const char *member)
{
	for (size_t i = 0; i < count && i < ROWS_LOOKED_AT; i++)
		if (json_get(rows[i], member))
			return json_get(rows[i], member);
	return NULL;
}

static enum result refuse(enum control_verb_id verb, struct slice name, const struct json *const *rows,
                          size_t count, struct reason *reason)
{
	char shown[COLUMN_NAME_BYTES], hint[NEAREST_TEXT_BYTES];
	struct nearest near;
	struct buffer names;

	slice_to_text(slice_first(name, name.len < sizeof shown ? name.len : sizeof shown - 1), shown,
	              sizeof shown);
	near = nearest_start(slice_of(shown));
	buffer_start(&names, COLUMNS_TEXT_BYTES);
	columns_names(verb, rows, count, "\n", &names);
	nearest_offer_lines(&near, &names);
	nearest_text(&near, hint);
	buffer_stop(&names);
	return fail(reason, RESULT_INVALID,
	            hint[0] ? _("there is no column \"%s\"; %s") : _("there is no column \"%s\""), shown,
	            hint);
}

enum result columns_find(enum control_verb_id verb, struct slice name, const struct json *const *rows,
                         size_t count, char kept[COLUMN_NAME_BYTES], struct column *out,
                         struct reason *reason)
{
	const struct model_field *field = field_of(verb, name);
	const struct json *value;

	for (size_t i = 0; i < ROWS; i++)
		if (rows_of_table[i].verb == verb && is_named(&rows_of_table[i].column, name)) {
			*out = of_row(&rows_of_table[i]);
			return RESULT_OK;
		}
	if (field) {
		*out = (struct column){ .member = field->name, .heading = field->name };
		fit(out, field);
		return RESULT_OK;
	}
	if (name.len == 0 || !slice_to_text(name, kept, COLUMN_NAME_BYTES))
		return refuse(verb, name, rows, count, reason);
	value = value_of(rows, count, kept);
	if (!value && count)
		return refuse(verb, name, rows, count, reason);
	*out = (struct column){ .member = kept, .heading = kept };
	fit(out, NULL);
	if (json_kind(value) == JSON_KIND_BOOL)
		out->type = COLUMN_FLAG;
	else if (json_kind(value) == JSON_KIND_NUMBER)
		out->type = control_is_instant(name) ? COLUMN_TIME : COLUMN_NUMBER;
	return RESULT_OK;
}

enum result columns_choose(enum control_verb_id verb, struct slice names, const struct json *const *rows,
                           size_t count, struct columns *out, struct reason *reason)
{
	enum result result = RESULT_OK;
	struct slice name;

	out->count = 0;
	if (!slice_trim(names).len)
		return refuse(verb, SLICE(""), rows, count, reason);
	while (result == RESULT_OK && names.len && slice_next(&names, ',', &name)) {
		if (out->count == COLUMNS_MAX)
			return fail(reason, RESULT_LIMIT, _("more than %d columns"), COLUMNS_MAX);
		result = columns_find(verb, slice_trim(name), rows, count, out->names[out->count],
		                      &out->columns[out->count], reason);
		out->columns[out->count].priority = (int)out->count; /* the first named stays longest */
		out->count++;
	}
	return result;
}

/* ---- their names ---- */

struct names {
	struct buffer *out;
	const char *between;
	size_t from;
};

static void add_name(struct names *names, struct slice name)
{
	struct slice between = slice_of(names->between),
	             rest = slice_after(buffer_slice(names->out), names->from);

	while (rest.len) { /* each once */
		struct slice known = slice_first(rest, slice_find(rest, between.ptr[0]));

		if (slice_equal(known, name))
			return;
		rest = slice_after(rest,
		                   known.len + between.len < rest.len ? known.len + between.len : rest.len);
	}
	if (buffer_length(names->out) > names->from)
		buffer_add(names->out, between);
	buffer_add(names->out, name);
}

void columns_names(enum control_verb_id verb, const struct json *const *rows, size_t count,
                   const char *between, struct buffer *out)
{
	struct names names = { out, between, buffer_length(out) };
	const struct model_kind *kind;
	const struct json *value;
	struct slice member;

	for (size_t i = 0; i < ROWS; i++)
		if (rows_of_table[i].verb == verb)
			add_name(&names, slice_of(rows_of_table[i].column.member));
	for (size_t n = 0; (kind = kind_of(verb, n)) != NULL; n++)
		for (size_t i = 0; i < kind->field_count; i++)
			add_name(&names, slice_of(kind->fields[i].name));
	for (size_t r = 0; r < count && r < ROWS_LOOKED_AT; r++)
		for (size_t i = 0; json_member(rows[r], i, &member, &value); i++)
			add_name(&names, member);
}
