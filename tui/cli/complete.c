#include "tui/cli/complete.h"

#include <stdio.h>

#include "shared/model/model.h"
#include "tui/cli/render.h"
#include "tui/cli/request.h"
#include "tui/client/columns.h"

enum { COMPLETE_BEFORE_BYTES = 512 };

static bool is_same(const char *a, struct slice b) { return slice_equal(slice_of(a), b); }

/* A name is offered only when the shell can take it as it is. */
static bool is_word(struct slice text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:@+";

	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(plain, text.ptr[i]))
			return false;
	return true;
}

/* A candidate, when it begins as what has been typed does. */
static void offer(struct buffer *out, struct slice part, const char *before, struct slice text,
                  const char *after)
{
	if (slice_starts(text, part))
		buffer_printf(out, "%s%.*s%s\n", before, SLICE_ARG(text), after);
}

static bool is_seen(const struct buffer *out, size_t from, struct slice text)
{
	struct slice rest = slice_after(buffer_slice(out), from), line;

	while (slice_next(&rest, '\n', &line))
		if (slice_equal(line, text))
			return true;
	return false;
}

static void offer_first_words(struct buffer *out, struct slice part)
{
	const struct cli_alias_row *alias;

	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);
		struct slice word = slice_of(row->noun[0] ? row->noun : row->verb);

		if (i != CONTROL_VERB_HELLO && !is_seen(out, 0, word))
			offer(out, part, "", word, "");
	}
	for (size_t i = 0; (alias = cli_alias(i)) != NULL; i++)
		offer(out, part, "", slice_of(alias->alias), "");
	offer(out, part, "", SLICE("console"), "");
	offer(out, part, "", SLICE("help"), "");
}

static void offer_verbs(struct buffer *out, struct slice noun, struct slice part)
{
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);

		if (row->noun[0] && is_same(row->noun, noun))
			offer(out, part, "", slice_of(row->verb), "");
	}
}

static void offer_options(struct buffer *out, const struct control_verb *row, struct slice part)
{
	const struct cli_option_row *option;
	struct control_argument argument;
	char name[40];

	for (size_t i = 0; (option = cli_option(i)) != NULL; i++) {
		snprintf(name, sizeof name, "--%s", option->name);
		offer(out, part, "", slice_of(name), "");
	}
	for (size_t i = 0; row && control_verb_argument(row, i, &argument); i++) {
		snprintf(name, sizeof name, "--%s", argument.name);
		if (!argument.is_required && !argument.is_fields && !is_seen(out, 0, slice_of(name)))
			offer(out, part, "", slice_of(name), "");
	}
}

/* Values of a field whose row lists them; of a list of choices, the next one. */
static void offer_values(struct buffer *out, const struct model_field *field, struct slice typed)
{
	struct slice part = slice_after(typed, slice_find(typed, '=') + 1), choice;
	char before[64];

	snprintf(before, sizeof before, "%s=", field->name);
	if (field->type == MODEL_BOOL) {
		offer(out, part, before, SLICE("true"), "");
		offer(out, part, before, SLICE("false"), "");
	}
	if (field->type == MODEL_ENUM || field->type == MODEL_CHOICES)
		for (uint64_t i = 0; (choice = model_choice(field, i)).ptr; i++)
			offer(out, part, before, choice, "");
}

static void offer_fields(struct buffer *out, const struct model_kind *kind, struct slice part)
{
	size_t equals = slice_find(part, '=');

	for (size_t i = 0; i < kind->field_count; i++) {
		const struct model_field *field = &kind->fields[i];

		if (i == kind->key)
			continue;
		if (equals == part.len)
			offer(out, part, "", slice_of(field->name), "=");
		else if (is_same(field->name, slice_first(part, equals)))
			offer_values(out, field, part);
	}
}

/* The kind whose objects a noun is about; NULL: it is about none of the configuration. */
static const struct model_kind *kind_of(const char *noun)
{
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);
		struct control_argument argument;

		for (size_t a = 0;
		     is_same(noun, slice_of(row->noun)) && control_verb_argument(row, a, &argument); a++)
			if (argument.is_fields) {
				const struct model_kind *kind = model_kind_named(slice_of(argument.name));

				return kind && kind->key < kind->field_count ? kind : NULL;
			}
	}
	return NULL;
}

static bool has_list(const char *noun)
{
	char method[64];

	snprintf(method, sizeof method, "%s.list", noun);
	return control_verb_named(slice_of(method)) != CONTROL_VERB_COUNT;
}

static bool takes_argument(const struct control_verb *row, const char *name)
{
	struct control_argument argument;

	for (size_t i = 0; control_verb_argument(row, i, &argument); i++)
		if (is_same(argument.name, slice_of(name)))
			return true;
	return false;
}

/* Objects of the noun have a list; its rows carry their key.  An argument may name another noun's: `user grant POLICY`. */
static void wish_for(struct complete_wish *wish, const struct control_verb *row, const char *argument,
                     struct slice part)
{
	const struct model_kind *kind = kind_of(row->noun);
	const char *noun = row->noun;
	const struct control_verb *list;

	if (kind && !is_same(kind->fields[kind->key].name, slice_of(argument)) && has_list(argument)) {
		noun = argument;
		kind = kind_of(noun);
	}
	if (!noun[0] || !has_list(noun))
		return;
	snprintf(wish->method, sizeof wish->method, "%s.list", noun);
	snprintf(wish->member, sizeof wish->member, "%s", kind ? kind->fields[kind->key].name : argument);
	list = control_verb(control_verb_named(slice_of(wish->method)));
	wish->is_limited = kind && takes_argument(list, "filter") && takes_argument(list, "limit");
	wish->part = part;
	wish->is_wanted = is_word(part);
}

/* The `index`-th argument of a verb. */
static void offer_argument(struct buffer *out, const struct control_verb *row, size_t index,
                           struct slice part, struct complete_wish *wish)
{
	struct control_argument argument;

	for (size_t i = 0; control_verb_argument(row, i, &argument); i++) {
		if (argument.is_fields) {
			const struct model_kind *kind = model_kind_named(slice_of(argument.name));

			if (kind)
				offer_fields(out, kind, part);
			return;
		}
		if (i < index)
			continue;
		if (is_same(argument.name, SLICE("roles")))
			for (enum control_role role = 0; role < CONTROL_ROLE_COUNT; role++)
				offer(out, part, "", slice_of(control_role_name(role)), "");
		else
			wish_for(wish, row, argument.name, part);
		return;
	}
}

/* Does the word take the next one for its value?  Then it is an option of this name; NULL: it does not. */
static const char *takes_next(struct slice word)
{
	const struct cli_option_row *option;

	if (slice_find(word, '=') < word.len)
		return NULL;
	for (size_t i = 0; (option = cli_option(i)) != NULL; i++)
		if (is_same(option->name, slice_after(word, slice_starts(word, SLICE("--")) ? 2 : 1)) ||
		    (word.len == 2 && option->letter && word.ptr[1] == option->letter))
			return option->value ? option->name : NULL;
	return NULL;
}

/* Columns of the verb's list, after the last comma; for the order one, with or without its minus. */
static void offer_columns(struct buffer *out, enum control_verb_id list, bool is_order, const char *option,
                          struct slice typed)
{
	struct slice part = typed, rest, name;
	struct buffer names;
	char before[COMPLETE_BEFORE_BYTES];

	if (list == CONTROL_VERB_COUNT)
		return;
	while (!is_order && slice_find(part, ',') < part.len)
		part = slice_after(part, slice_find(part, ',') + 1);
	if (is_order && part.len && part.ptr[0] == '-')
		part = slice_after(part, 1);
	snprintf(before, sizeof before, "%s%.*s", option, (int)(typed.len - part.len), typed.ptr);
	buffer_start(&names, COLUMNS_TEXT_BYTES);
	columns_names(list, NULL, 0, ",", &names);
	rest = buffer_slice(&names);
	while (rest.len && slice_next(&rest, ',', &name))
		offer(out, part, before, name, "");
	buffer_stop(&names);
}

/* Fields of the object that the verb sets, after the last comma. */
static void offer_unset(struct buffer *out, const struct control_verb *row, const char *option,
                        struct slice typed)
{
	struct slice part = typed;
	struct control_argument argument;
	char before[COMPLETE_BEFORE_BYTES];

	while (slice_find(part, ',') < part.len)
		part = slice_after(part, slice_find(part, ',') + 1);
	snprintf(before, sizeof before, "%s%.*s", option, (int)(typed.len - part.len), typed.ptr);
	for (size_t i = 0; row && control_verb_argument(row, i, &argument); i++) {
		const struct model_kind *kind = argument.is_fields ? model_kind_named(slice_of(argument.name))
		                                                   : NULL;

		for (size_t f = 0; kind && f < kind->field_count; f++)
			if (f != kind->key)
				offer(out, part, before, slice_of(kind->fields[f].name), "");
	}
}

/* What may follow "--columns", or stands in "--columns=WORD". */
static void offer_option_value(struct buffer *out, const struct control_verb *row, enum control_verb_id list,
                               const char *option, const char *written, struct slice typed)
{
	if (is_same("unset", slice_of(option)))
		offer_unset(out, row, written, typed);
	else if (is_same("columns", slice_of(option)) || is_same("sort", slice_of(option)))
		offer_columns(out, list, is_same("sort", slice_of(option)), written, typed);
}

void complete_words(size_t count, const char *const *words, struct buffer *out, struct complete_wish *wish)
{
	const struct control_verb *row = NULL;
	enum control_verb_id list = CONTROL_VERB_COUNT; /* whose columns it has */
	struct slice noun = SLICE_NONE, part = count ? slice_of(words[count - 1]) : SLICE("");
	size_t plain = 0, arguments = 0;
	bool is_value = false;

	*wish = (struct complete_wish){ .is_wanted = false };
	for (size_t i = 0; i + 1 < count; i++) {
		struct slice word = slice_of(words[i]);
		char method[80];

		if (is_value || (word.len && word.ptr[0] == '-')) {
			is_value = !is_value && takes_next(word) != NULL;
			continue;
		}
		if (plain == 0) {
			const struct cli_alias_row *alias;

			noun = word;
			for (size_t k = 0; (alias = cli_alias(k)) != NULL; k++)
				if (is_same(alias->alias, word)) {
					row = control_verb(CONTROL_VERB_STATUS); /* takes nothing more */
					snprintf(method, sizeof method, "%s.%s", alias->noun, alias->verb);
					list = render_list(control_verb_named(slice_of(method)));
				}
			if (control_verb_named(word) != CONTROL_VERB_COUNT)
				row = control_verb(control_verb_named(word));
		} else if (plain == 1 && !row) {
			snprintf(method, sizeof method, "%.*s.%.*s", (int)(noun.len > 30 ? 30 : noun.len),
			         noun.ptr, (int)(word.len > 30 ? 30 : word.len), word.ptr);
			if (control_verb_named(slice_of(method)) == CONTROL_VERB_COUNT)
				return;
			row = control_verb(control_verb_named(slice_of(method)));
			list = render_list(control_verb_named(slice_of(method)));
		} else {
			arguments++;
		}
		plain++;
	}
	if (is_value)
		offer_option_value(out, row, list, takes_next(slice_of(words[count - 2])), "", part);
	else if (slice_starts(part, SLICE("--columns=")))
		offer_option_value(out, row, list, "columns", "--columns=", slice_after(part, 10));
	else if (slice_starts(part, SLICE("--sort=")))
		offer_option_value(out, row, list, "sort", "--sort=", slice_after(part, 7));
	else if (slice_starts(part, SLICE("--unset=")))
		offer_option_value(out, row, list, "unset", "--unset=", slice_after(part, 8));
	else if (part.len && part.ptr[0] == '-')
		offer_options(out, row, part);
	else if (plain == 0)
		offer_first_words(out, part);
	else if (!row)
		offer_verbs(out, noun, part);
	else
		offer_argument(out, row, arguments, part, wish);
}

void complete_params(const struct complete_wish *wish, struct buffer *out)
{
	struct json_writer w = json_write(out);
	char filter[COMPLETE_PARAMS_MAX / 2];

	json_open_object(&w, NULL);
	if (wish->is_limited) {
		snprintf(filter, sizeof filter, "%s:%.*s*", wish->member, SLICE_ARG(wish->part));
		if (wish->part.len)
			json_put_text(&w, "filter", filter);
		json_put_number(&w, "limit", COMPLETE_ROWS);
	}
	json_close_object(&w);
}

void complete_rows(const struct complete_wish *wish, const struct json *result, struct buffer *out)
{
	const struct json *rows = json_get(result, "rows");
	const char *const members[] = { wish->member, "name", "id" };

	for (size_t i = 0; i < json_count(rows); i++) {
		struct slice value = SLICE_NONE;

		for (size_t k = 0; k < sizeof members / sizeof *members && !value.ptr; k++)
			value = json_as_slice(json_get(json_at(rows, i), members[k]));
		if (value.len && is_word(value) && !is_seen(out, 0, value))
			offer(out, wish->part, "", value, "");
	}
}
