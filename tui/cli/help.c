#include "tui/cli/help.h"

#include <stdio.h>

#include "tui/cli/render.h"
#include "tui/client/columns.h"
#include "tui/client/said.h"
#include "tui/client/words.h"

enum { HELP_USAGE_CELLS = 46 };

static bool is_same(const char *a, const char *b) { return slice_equal(slice_of(a), slice_of(b)); }

const char *help_usage(const struct control_verb *row, char to[HELP_USAGE_BYTES])
{
	size_t size = HELP_USAGE_BYTES;
	struct control_argument argument;
	size_t used = (size_t)snprintf(to, size, "%s%s%s", row->noun, row->noun[0] ? " " : "", row->verb);

	for (size_t i = 0; used < size && control_verb_argument(row, i, &argument); i++) {
		const char *fields = is_same(row->verb, "set") ? "FIELD=VALUE..." : "[FIELD=VALUE...]";
		bool is_optional = !argument.is_required && !argument.is_fields;

		for (char *c = argument.name; *c; c++)
			*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
		used += (size_t)snprintf(to + used, size - used, " %s%s%s", is_optional ? "[" : "",
		                         argument.is_fields ? fields : argument.name, is_optional ? "]" : "");
	}
	return to;
}

static void write_verb_line(struct buffer *out, const struct control_verb *row)
{
	char usage[HELP_USAGE_BYTES];

	help_usage(row, usage);
	buffer_add(out, SLICE("  "));
	print_padded(out, usage, HELP_USAGE_CELLS);
	if (print_width(slice_of(usage)) >= HELP_USAGE_CELLS)
		buffer_add(out, SLICE("\n      "));
	buffer_printf(out, "%s\n", _(row->sentence));
}

static void write_options(struct buffer *out)
{
	const struct cli_option_row *row;

	buffer_printf(out, "\n%s\n", _("options:"));
	for (size_t i = 0; (row = cli_option(i)) != NULL; i++) {
		char name[64];

		snprintf(name, sizeof name, "%s%c%s--%s%s%s", row->letter ? "-" : " ",
		         row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
		         row->value ? " " : "", row->value ? row->value : "");
		buffer_add(out, SLICE("  "));
		print_padded(out, name, 32);
		buffer_printf(out, "%s\n", _(row->sentence));
	}
}

static void write_all(struct buffer *out)
{
	const struct cli_alias_row *alias;

	buffer_printf(out, "%s\n", _("parley: the console and command line of a Parley federation edge"));
	buffer_printf(out, "\n  ");
	print_padded(out, "parley [console [SCREEN]]", HELP_USAGE_CELLS);
	buffer_printf(out, "%s\n  ",
	              _("Open the console; SCREEN is overview, domains, access-edge, xmpp, why, staged, "
	                "versions ..."));
	print_padded(out, "parley help [NOUN [VERB]]", HELP_USAGE_CELLS);
	buffer_printf(out, "%s\n\n", _("Explain; with a verb: its fields, their values and defaults."));
	for (int i = 0; i < CONTROL_VERB_COUNT; i++)
		if (i != CONTROL_VERB_HELLO)
			write_verb_line(out, control_verb((enum control_verb_id)i));
	buffer_printf(out, "\n%s\n", _("short for:"));
	for (size_t i = 0; (alias = cli_alias(i)) != NULL; i++) {
		buffer_add(out, SLICE("  "));
		print_padded(out, alias->alias, 14);
		buffer_printf(out, "%s %s\n", alias->noun, alias->verb);
	}
	write_options(out);
	buffer_printf(
	        out, "\n%s\n",
	        _("exit codes: 0 done, or yes; 1 the answer is no (why: refused, check: problems); 2 usage;\n"
	          "3 daemon not reachable or busy; 4 not permitted; 5 conflict; 6 invalid or not found;\n"
	          "7 timed out; 8 published but not applied; 70 internal error"));
}

static void write_fields(struct buffer *out, const struct model_kind *kind)
{
	buffer_printf(out, "\n%s\n", _("fields (the Lync name works, too):"));
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct model_field *field = &kind->fields[i];
		struct slice unit = slice_of(field->unit);
		char words[SAID_BYTES];
		struct buffer allowed;

		if (i == kind->key)
			continue;
		buffer_start(&allowed, 1024);
		model_allowed(field, &allowed);
		buffer_printf(out, "  %s=", field->name);
		buffer_add(out, allowed.is_broken || !buffer_length(&allowed)
		                        ? slice_of(model_type_name(field->type))
		                        : said(buffer_slice(&allowed), words));
		if (field->unit[0])
			buffer_printf(out, " %s",
			              words_of("unit", unit) ? words_of("unit", unit) : field->unit);
		buffer_printf(out, " (%s %s%s%s)\n      %s\n", _("default:"),
		              field->preset[0] ? field->preset : _("empty"), field->lync[0] ? "; Lync: " : "",
		              field->lync, _(field->sentence));
		buffer_stop(&allowed);
	}
}

static void write_columns(struct buffer *out, enum control_verb_id list)
{
	struct columns preset;

	columns_preset(list, COLUMN_LINE, &preset);
	buffer_printf(out, "\n%s\n  ", _("columns when the output is no terminal, separated by tabs:"));
	for (size_t i = 0; i < preset.count; i++)
		buffer_printf(out, "%s%s", i ? ", " : "", preset.columns[i].member);
	buffer_printf(out, "\n\n%s\n  ",
	              _("names for --columns and --sort, beside whatever else the rows have:"));
	columns_names(list, NULL, 0, ", ", out);
	buffer_add_char(out, '\n');
}

static void write_verb(struct buffer *out, enum control_verb_id id)
{
	const struct control_verb *row = control_verb(id);
	struct control_argument argument;
	char usage[HELP_USAGE_BYTES];

	help_usage(row, usage);
	buffer_printf(out, "parley %s\n\n  %s\n  %s %s\n", usage, _(row->sentence), _("role:"),
	              control_role_name(row->role));
	for (size_t i = 0; control_verb_argument(row, i, &argument); i++) {
		const struct model_kind *kind = argument.is_fields ? model_kind_named(slice_of(argument.name))
		                                                   : NULL;

		if (kind)
			write_fields(out, kind);
	}
	if (render_list(id) != CONTROL_VERB_COUNT)
		write_columns(out, render_list(id));
}

enum result help_write(struct buffer *out, const struct print_style *style, const char *noun,
                       const char *verb)
{
	enum result result = RESULT_NOT_FOUND;
	const struct cli_alias_row *alias;

	(void)style;
	if (!noun) {
		write_all(out);
		return RESULT_OK;
	}
	for (size_t i = 0; (alias = cli_alias(i)) != NULL; i++) {
		if (is_same(alias->alias, noun)) {
			noun = alias->noun;
			verb = alias->verb;
		}
	}
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);

		if (i == CONTROL_VERB_HELLO)
			continue;
		if (!row->noun[0] && is_same(row->verb, noun)) {
			write_verb(out, (enum control_verb_id)i);
			return RESULT_OK;
		}
		if (!row->noun[0] || !is_same(row->noun, noun) || (verb && !is_same(row->verb, verb)))
			continue;
		if (verb)
			write_verb(out, (enum control_verb_id)i);
		else
			write_verb_line(out, row);
		result = RESULT_OK;
	}
	return result;
}
