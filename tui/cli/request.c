#include "tui/cli/request.h"

#include <stdio.h>

#include "tui/cli/help.h"
#include "tui/cli/options.h"
#include "tui/cli/render.h"
#include "tui/cli/request_parts.h"
#include "tui/client/nearest.h"
#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the verb ---- */

static enum result refuse_noun(struct reading *r, const char *word)
{
	const struct cli_alias_row *alias;
	struct nearest near = nearest_start(slice_of(word));
	char hint[NEAREST_TEXT_BYTES];

	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);

		if (i != CONTROL_VERB_HELLO) /* said by every client itself */
			nearest_offer(&near, row->noun[0] ? row->noun : row->verb);
	}
	for (size_t i = 0; (alias = cli_alias(i)) != NULL; i++)
		nearest_offer(&near, alias->alias);
	nearest_offer(&near, "console");
	nearest_offer(&near, "help");
	nearest_text(&near, hint);
	return fail(r->reason, RESULT_INVALID, _("unknown word \"%s\"; %s"), word,
	            hint[0] ? hint : _("see parley help"));
}

static enum result refuse_verb(struct reading *r, const char *noun, const char *word)
{
	struct nearest near = nearest_start(slice_of(word ? word : ""));
	char list[128] = "", hint[NEAREST_TEXT_BYTES];
	size_t used = 0;

	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);

		if (!request_is_same(row->noun, noun))
			continue;
		nearest_offer(&near, row->verb);
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
			                         row->verb);
	}
	if (!word)
		return fail(r->reason, RESULT_INVALID, _("parley %s needs one of: %s"), noun, list);
	if (nearest_text(&near, hint)[0])
		return fail(r->reason, RESULT_INVALID, _("parley %s knows no \"%s\"; %s"), noun, word, hint);
	return fail(r->reason, RESULT_INVALID, _("parley %s knows no \"%s\"; it knows: %s"), noun, word,
	            list);
}

/* Takes the noun and verb off the front of the words; `*used` of them. */
static enum result find_verb(struct reading *r, size_t *used)
{
	const char *noun = r->words[0], *verb = r->count > 1 ? r->words[1] : NULL;
	const struct cli_alias_row *alias;
	bool knows_noun = false;

	*used = 2;
	for (size_t i = 0; (alias = cli_alias(i)) != NULL; i++) {
		if (request_is_same(noun, alias->alias)) {
			noun = alias->noun;
			verb = alias->verb;
			*used = 1;
		}
	}
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);

		if (i == CONTROL_VERB_HELLO)
			continue; /* every session begins with it anyway */
		r->out->verb = (enum control_verb_id)i;
		if (!row->noun[0] && request_is_same(row->verb, noun)) {
			*used = 1;
			return RESULT_OK;
		}
		if (row->noun[0] && request_is_same(row->noun, noun)) {
			knows_noun = true;
			if (verb && request_is_same(row->verb, verb))
				return RESULT_OK;
		}
	}
	return knows_noun ? refuse_verb(r, noun, verb) : refuse_noun(r, noun);
}

/* ---- arguments and fields ---- */

/* Changes of an object that may be made to several at once, as one change. */
static bool takes_many(const struct control_verb *row)
{
	static const char *const verbs[] = { "allow", "block", "remove", "enable", "disable", "set" };

	for (size_t i = 0; row->effect == CONTROL_CHANGES && i < COUNT(verbs); i++)
		if (request_is_same(row->verb, verbs[i]))
			return true;
	return false;
}

/* "a,b" as an array; "\," is a comma of a name. */
static void put_names(struct json_writer *w, const char *argument, struct slice text)
{
	struct buffer name;

	buffer_start(&name, CLI_PARAMS_MAX);
	json_open_array(w, argument);
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == ',')
			i++;
		else if (i == text.len || text.ptr[i] == ',') {
			if (buffer_length(&name))
				json_put_slice(w, NULL, buffer_slice(&name));
			buffer_clear(&name);
			continue;
		}
		buffer_add_char(&name, text.ptr[i]);
	}
	json_close_array(w);
	buffer_stop(&name);
}

/* Arguments travel as text, but for these. */
static enum result put_argument(struct reading *r, struct json_writer *w, const char *name, const char *value)
{
	static const char *const numbers[] = { "limit", "count", "version", "deadline" };
	struct cli_request *out = r->out;
	uint64_t number;

	if (request_is_same(name, "directory")) {
		out->directory = value;
		return RESULT_OK;
	}
	if (request_is_same(name, "file")) {
		out->file = value;
		if (out->verb == CONTROL_VERB_USER_IMPORT) /* wrong lines are told under this name */
			json_put_text(w, name, value);
		return RESULT_OK;
	}
	if (request_is_same(name, "follow")) {
		if (!request_is_same(value, "true") && !request_is_same(value, "false") &&
		    !request_is_same(value, "follow"))
			return fail(r->reason, RESULT_INVALID, _("follow is true or false, not \"%s\""),
			            value);
		out->is_following = !request_is_same(value, "false");
		json_put_bool(w, name, out->is_following);
		return RESULT_OK;
	}
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (!request_is_same(name, numbers[i]))
			continue;
		if (!slice_to_number(slice_of(value), INT64_MAX, &number))
			return fail(r->reason, RESULT_INVALID, _("%s must be a whole number, not \"%s\""),
			            name, value);
		json_put_number(w, name, (int64_t)number);
		out->has_all_pages &= !request_is_same(name, "limit");
		return RESULT_OK;
	}
	out->has_all_pages &= !request_is_same(name, "after");
	json_put_text(w, name, value);
	return RESULT_OK;
}

static enum result refuse_field(struct reading *r, const struct model_kind *kind, struct slice name)
{
	struct nearest near = nearest_start(name);
	char shown[64], hint[NEAREST_TEXT_BYTES];

	for (size_t i = 0; i < kind->field_count; i++)
		if (i != kind->key)
			nearest_offer(&near, kind->fields[i].name);
	slice_to_text(name, shown, sizeof shown);
	nearest_text(&near, hint);
	return fail(r->reason, RESULT_INVALID, _("%s has no field \"%s\"; %s"), kind->name, shown,
	            hint[0] ? hint : _("see parley help NOUN VERB for its fields"));
}

/* The daemon checks the value by its row; here it only gets its JSON type. */
static void put_field(struct cli_request *out, struct json_writer *w, const struct model_field *field,
                      struct slice value)
{
	bool is_true = slice_equal(value, SLICE("true")) || slice_equal(value, SLICE("on")) ||
	               slice_equal(value, SLICE("yes"));
	bool is_false = slice_equal(value, SLICE("false")) || slice_equal(value, SLICE("off")) ||
	                slice_equal(value, SLICE("no"));
	uint64_t number;

	if (field->type == MODEL_BOOL && (is_true || is_false)) {
		out->turns_off |= is_false;
		json_put_bool(w, field->name, is_true);
	} else if (field->type == MODEL_NUMBER && slice_to_number(value, INT64_MAX, &number)) {
		json_put_number(w, field->name, (int64_t)number);
	} else {
		json_put_slice(w, field->name, value);
	}
}

/* null: the daemon puts back the default. */
static enum result unset_field(struct reading *r, struct json_writer *w, const struct model_kind *kind,
                               struct slice name, bool seen[MODEL_FIELDS_MAX])
{
	size_t field = model_field_named(kind, name);

	if (field >= kind->field_count || field == kind->key)
		return refuse_field(r, kind, name);
	if (seen[field])
		return fail(r->reason, RESULT_INVALID, _("%s is given twice"), kind->fields[field].name);
	seen[field] = true;
	json_put_null(w, kind->fields[field].name);
	return RESULT_OK;
}

/* words[from..] are field=value of the kind. */
static enum result read_fields(struct reading *r, struct json_writer *w, const struct model_kind *kind,
                               size_t from)
{
	bool seen[MODEL_FIELDS_MAX] = { false };

	struct slice unset = slice_of(r->out->options.unset ? r->out->options.unset : ""), name_of_unset;
	bool sets_any = from < r->count || unset.len;
	enum result result = RESULT_OK;

	if (sets_any)
		json_open_object(w, "set");
	for (size_t i = from; i < r->count; i++) {
		struct slice word = slice_of(r->words[i]), name = slice_first(word, slice_find(word, '='));
		size_t field;

		if (name.len == word.len)
			return fail(r->reason, RESULT_INVALID,
			            _("unexpected \"%s\": fields are given as field=value"), r->words[i]);
		field = model_field_named(kind, name);
		if (field >= kind->field_count)
			return refuse_field(r, kind, name);
		if (field == kind->key)
			return fail(r->reason, RESULT_INVALID,
			            _("%s is given as a word of its own, not as a field"),
			            kind->fields[field].name);
		if (seen[field])
			return fail(r->reason, RESULT_INVALID, _("%s is given twice"),
			            kind->fields[field].name);
		seen[field] = true;
		put_field(r->out, w, &kind->fields[field], slice_after(word, name.len + 1));
	}
	while (result == RESULT_OK && unset.len && slice_next(&unset, ',', &name_of_unset))
		result = unset_field(r, w, kind, slice_trim(name_of_unset), seen);
	if (sets_any)
		json_close_object(w);
	return result;
}

static const char *late_value(struct reading *r, const char *name, bool *is_given)
{
	for (size_t i = 0; i < r->late_count; i++) {
		if (slice_equal(r->late[i].name, slice_of(name))) {
			*is_given = true;
			r->late[i].name = SLICE_NONE;
			return r->late[i].value;
		}
	}
	return NULL;
}

static enum result refuse_late(struct reading *r, const struct control_verb *row)
{
	for (size_t i = 0; i < r->late_count; i++) {
		struct nearest near = nearest_start(r->late[i].name);
		struct control_argument argument;
		char shown[64], hint[NEAREST_TEXT_BYTES];

		if (!r->late[i].name.ptr)
			continue;
		for (size_t k = 0; k < CLI_OPTION_COUNT; k++)
			nearest_offer(&near, cli_option(k)->name);
		for (size_t k = 0; control_verb_argument(row, k, &argument); k++)
			if (!argument.is_required && !argument.is_fields)
				nearest_offer(&near, argument.name);
		slice_to_text(r->late[i].name, shown, sizeof shown);
		nearest_text(&near, hint);
		return fail(r->reason, RESULT_INVALID, _("%s%s%s takes no option --%s; %s"), row->noun,
		            row->noun[0] ? " " : "", row->verb, shown, hint[0] ? hint : _("see parley help"));
	}
	return RESULT_OK;
}

/* Options that become params, where the verb's effect takes them. */
static enum result put_common(struct reading *r, struct json_writer *w)
{
	const struct cli_options *o = &r->out->options;
	const struct control_verb *row = control_verb(r->out->verb);
	const struct {
		enum cli_option_id option;
		const char *param;
		bool is_given;
	} all[] = {
		{ IF_VERSION, "if_version", o->has_if_version },
		{ COMMENT, "comment", o->comment != NULL },
		{ STAGE, "stage", o->stages },
		{ DRY_RUN, "dry_run", o->dry_runs },
		{ CONFIRM_WITHIN, "confirm_within", o->asks_rule || o->confirm_s },
		{ AS_OF, "version", o->as_of != 0 },
		{ STAGED, "staged", o->is_staged },
	};

	for (size_t i = 0; i < COUNT(all); i++) {
		struct slice params = slice_of(control_effect_params(row->effect)), param;
		bool is_taken = false;

		while (slice_next(&params, ' ', &param))
			is_taken |= param.len && slice_equal(param, slice_of(all[i].param));
		if (all[i].is_given && !is_taken)
			return fail(r->reason, RESULT_INVALID, _("%s%s%s takes no --%s: it %s"), row->noun,
			            row->noun[0] ? " " : "", row->verb, cli_option(all[i].option)->name,
			            row->effect == CONTROL_CHANGES ? _("changes what is so now")
			                                           : _("changes no configuration"));
		if (!all[i].is_given)
			continue;
		switch (all[i].option) {
		case IF_VERSION: json_put_number(w, all[i].param, o->if_version); break;
		case COMMENT: json_put_text(w, all[i].param, o->comment); break;
		case AS_OF: json_put_number(w, all[i].param, o->as_of); break;
		case CONFIRM_WITHIN:
			if (o->asks_rule)
				json_put_text(w, all[i].param, "auto");
			else
				json_put_number(w, all[i].param, o->confirm_s);
			break;
		default: json_put_bool(w, all[i].param, true);
		}
	}
	return RESULT_OK;
}

/* How rows are wished for is asked of verbs that give rows, and of no other. */
static enum result check_form(struct reading *r, const struct control_verb *row)
{
	const struct cli_options *o = &r->out->options;

	if (!o->is_csv && !o->columns && !o->sort && !r->out->local_filter)
		return RESULT_OK;
	if (render_list(r->out->verb) == CONTROL_VERB_COUNT)
		return fail(r->reason, RESULT_INVALID,
		            _("%s%s%s is no list: it takes no --columns, --sort or csv"), row->noun,
		            row->noun[0] ? " " : "", row->verb);
	if (o->is_json)
		return fail(r->reason, RESULT_INVALID,
		            _("--columns, --sort and this filter shape text and csv; JSON is as it came"));
	return RESULT_OK;
}

static enum result read_arguments(struct reading *r, size_t at)
{
	const struct control_verb *row = control_verb(r->out->verb);
	struct json_writer w = json_write(&r->out->params);
	struct control_argument argument;
	char usage[HELP_USAGE_BYTES];
	bool takes_fields = false;
	enum result result = RESULT_OK;

	json_open_object(&w, NULL);
	for (size_t i = 0; result == RESULT_OK && control_verb_argument(row, i, &argument); i++) {
		bool is_given = false;
		const char *value;

		if (argument.is_fields) {
			const struct model_kind *kind = model_kind_named(slice_of(argument.name));

			takes_fields = true;
			if (at >= r->count && request_is_same(row->verb, "set") && !r->out->options.unset)
				return fail(r->reason, RESULT_INVALID,
				            _("%s set needs at least one field=value"), row->noun);
			if (!kind)
				return fail(r->reason, RESULT_INTERNAL, _("no kind %s"), argument.name);
			result = read_fields(r, &w, kind, at);
			continue;
		}
		value = argument.is_required ? NULL : late_value(r, argument.name, &is_given);
		if (is_given && !value && !request_is_same(argument.name, "follow"))
			return fail(r->reason, RESULT_INVALID, _("--%s needs a value"), argument.name);
		if (!is_given && at < r->count)
			value = r->words[at++];
		else if (!is_given && argument.is_required)
			return fail(r->reason, RESULT_INVALID, _("usage: parley %s"), help_usage(row, usage));
		if (value && i == 0 && takes_many(row) && slice_find(slice_of(value), ',') < strlen(value))
			put_names(&w, argument.name, slice_of(value));
		else if (value || is_given)
			result = put_argument(r, &w, argument.name, value ? value : "true");
	}
	if (result != RESULT_OK)
		return result;
	if (!takes_fields && at < r->count)
		return fail(r->reason, RESULT_INVALID, _("unexpected \"%s\"; usage: parley %s"), r->words[at],
		            help_usage(row, usage));
	if (!takes_fields && r->out->options.unset)
		return fail(r->reason, RESULT_INVALID, _("%s%s%s takes no --unset: it sets no fields"),
		            row->noun, row->noun[0] ? " " : "", row->verb);
	if (render_list(r->out->verb) != CONTROL_VERB_COUNT) /* what is left: the daemon does not filter it */
		r->out->local_filter = late_value(r, "filter", &takes_fields);
	result = check_form(r, row);
	if (result == RESULT_OK)
		result = put_common(r, &w);
	if (result != RESULT_OK)
		return result;
	json_close_object(&w);
	if (r->out->params.is_broken)
		return fail(r->reason, RESULT_LIMIT, _("the command is too long, or there is no memory"));
	return refuse_late(r, row);
}

/* ---- all of it ---- */

enum result cli_request_read(size_t count, const char *const *words, struct cli_request *out,
                             struct reason *reason)
{
	struct reading r = { .out = out, .reason = reason };
	enum result result;
	size_t used;

	*out = (struct cli_request){ .options.timeout_ms = CLI_TIMEOUT_MS,
		                     .has_all_pages = true,
		                     .verb = CONTROL_VERB_COUNT };
	buffer_start(&out->params, CLI_PARAMS_MAX);
	result = request_read_words(&r, count, words);
	if (result != RESULT_OK || out->task == CLI_VERSION)
		return result;
	if (out->task == CLI_STDIO && (r.count || r.late_count || out->options.ssh))
		return fail(reason, RESULT_INVALID, _("--stdio stands alone, but for --socket and --root"));
	if (out->task == CLI_STDIO)
		return RESULT_OK;
	if (r.count && request_is_same(r.words[0], "help")) {
		out->task = CLI_HELP;
		r.count--;
		memmove(r.words, r.words + 1, r.count * sizeof *r.words);
	}
	if (out->task == CLI_HELP || r.count == 0 || request_is_same(r.words[0], "console")) {
		size_t first = out->task == CLI_HELP ? 0 : 1;

		/* The console has the common ones, help reads on whatever was typed. */
		for (size_t i = 0; out->task != CLI_HELP && i < r.late_count; i++)
			if (!slice_equal(r.late[i].name, SLICE("filter")) &&
			    !slice_equal(r.late[i].name, SLICE("follow")))
				return fail(reason, RESULT_INVALID,
				            _("unknown option --%.*s; see parley help"),
				            SLICE_ARG(r.late[i].name));
		out->task = out->task == CLI_HELP ? CLI_HELP : CLI_CONSOLE;
		for (size_t i = 0; i < COUNT(out->topics) && first + i < r.count; i++)
			out->topics[i] = r.words[first + i];
		return RESULT_OK;
	}
	result = find_verb(&r, &used);
	if (result != RESULT_OK)
		return result;
	return read_arguments(&r, used);
}

void cli_request_free(struct cli_request *request) { buffer_stop(&request->params); }
