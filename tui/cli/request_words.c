/*
 * A command's words, sorted: common options are set at once, options that only the verb's row can place wait, the rest are plain words.
 */
#include "tui/cli/options.h"
#include "tui/cli/request_parts.h"
#include "tui/client/remote.h"
#include "tui/client/words.h"

enum { CLI_TIMEOUT_MAX_S = 3600 };

static enum result read_number_option(struct reading *r, const char *name, const char *value, uint64_t max,
                                      int64_t *out)
{
	uint64_t number;

	if (!slice_to_number(slice_of(value), max, &number))
		return fail(r->reason, RESULT_INVALID, _("--%s needs a whole number, at most %llu"), name,
		            (unsigned long long)max);
	*out = (int64_t)number;
	return RESULT_OK;
}

static enum result add_late(struct reading *r, struct slice name, const char *value)
{
	if (r->late_count == CLI_ARGUMENTS_MAX)
		return fail(r->reason, RESULT_INVALID, _("too many options"));
	r->late[r->late_count++] = (struct late_option){ name, value };
	return RESULT_OK;
}

static enum result read_output(struct reading *r, const char *form)
{
	r->out->options.is_json = request_is_same(form, "json");
	r->out->options.is_csv = request_is_same(form, "csv");
	if (!r->out->options.is_json && !r->out->options.is_csv && !request_is_same(form, "text"))
		return fail(r->reason, RESULT_INVALID, _("--output is text, json or csv, not \"%s\""), form);
	return RESULT_OK;
}

static enum result set_option(struct reading *r, enum cli_option_id id, const char *value)
{
	struct cli_options *o = &r->out->options;
	enum result result = RESULT_OK;

	switch (id) {
	case JSON: o->is_json = true; break;
	case OUTPUT: return read_output(r, value);
	case COLUMNS: o->columns = value; break;
	case SORT: o->sort = value; break;
	case UNSET: o->unset = value; break;
	case YES: o->is_sure = true; break;
	case READ_ONLY: o->is_read_only = true; break;
	case COMMENT: o->comment = value; break;
	case STAGE: o->stages = true; break;
	case DRY_RUN: o->dry_runs = true; break;
	case STAGED: o->is_staged = true; break;
	case CONFIRM_WITHIN:
		o->asks_rule = request_is_same(value, "auto");
		return o->asks_rule
		               ? RESULT_OK
		               : read_number_option(r, "confirm-within", value, INT32_MAX, &o->confirm_s);
	case AS_OF: return read_number_option(r, "as-of", value, INT64_MAX, &o->as_of);
	case SOCKET: o->socket = value; break;
	case ROOT: o->root = value; break;
	case SSH: o->ssh = value; return remote_check_host(slice_of(value), r->reason);
	case STDIO: r->out->task = CLI_STDIO; break;
	case COLOR: o->color = value; break;
	case FRAMES: o->frames = value; break;
	case ASCII: o->frames = "ascii"; break;
	case THEME: o->theme = value; break;
	case HELP: r->out->task = CLI_HELP; break;
	case VERSION: r->out->task = CLI_VERSION; break;
	case CLI_OPTION_COUNT: break;
	case FILTER: o->filter = value; return add_late(r, SLICE("filter"), value);
	case FOLLOW: return add_late(r, SLICE("follow"), NULL);
	case IF_VERSION:
		o->has_if_version = true;
		return read_number_option(r, "if-version", value, INT64_MAX, &o->if_version);
	case TIMEOUT:
		result = read_number_option(r, "timeout", value, CLI_TIMEOUT_MAX_S, &o->timeout_ms);
		o->timeout_ms *= 1000;
		return result;
	}
	return result;
}

/* --name, --name=value, --name value, -c value.  Names of no common option wait for the verb's row. */
static enum result read_option(struct reading *r, const char *const *words, size_t count, size_t *at)
{
	struct slice word = slice_of(words[*at]), name;
	bool is_long = word.ptr[1] == '-';
	const char *value = NULL, *next = *at + 1 < count ? words[*at + 1] : NULL;

	name = slice_after(word, is_long ? 2 : 1);
	if (is_long && slice_find(name, '=') < name.len) {
		value = name.ptr + slice_find(name, '=') + 1;
		name = slice_first(name, slice_find(name, '='));
	}
	const struct cli_option_row *row;

	for (size_t i = 0; (row = cli_option(i)) != NULL; i++) {
		if (is_long ? !slice_equal(name, slice_of(row->name))
		            : !(name.len == 1 && name.ptr[0] == row->letter))
			continue;
		if (!row->value && value)
			return fail(r->reason, RESULT_INVALID, _("--%s takes no value"), row->name);
		if (row->value && !value && !next)
			return fail(r->reason, RESULT_INVALID, _("--%s needs a value: %s"), row->name,
			            row->value);
		if (row->value && !value) {
			value = next;
			(*at)++;
		}
		return set_option(r, (enum cli_option_id)i, value);
	}
	if (!is_long)
		return fail(r->reason, RESULT_INVALID, _("unknown option %s; see parley help"), words[*at]);
	if (!value && next) {
		value = next;
		(*at)++;
	}
	return add_late(r, name, value);
}

enum result request_read_words(struct reading *r, size_t count, const char *const *words)
{
	bool options_end = false;

	for (size_t i = 0; i < count; i++) {
		const char *word = words[i];

		if (!options_end && slice_equal(slice_of(word), SLICE("--"))) {
			options_end = true;
		} else if (!options_end && word[0] == '-' && word[1]) {
			enum result result = read_option(r, words, count, &i);

			if (result != RESULT_OK)
				return result;
		} else if (r->count == CLI_WORDS_MAX) {
			return fail(r->reason, RESULT_INVALID, _("more than %d words"), CLI_WORDS_MAX);
		} else {
			r->words[r->count++] = word;
		}
	}
	return RESULT_OK;
}
