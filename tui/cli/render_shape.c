/*
 * Results that are no plain list: each verb's text, part by part.
 */
#include "tui/cli/render.h"

#include <stdio.h>

#include "shared/model/model.h"
#include "tui/client/said.h"
#include "tui/client/shown.h"
#include "tui/client/words.h"

static struct slice text_of(const struct json *object, const char *member)
{
	return json_as_slice(json_get(object, member));
}

static void line_value(struct buffer *out, const struct print_style *style, const struct json *object,
                       const char *member)
{
	print_value(out, style, json_get(object, member), PRINT_TEXT);
}

/* ---- columns of lists within a result ---- */

static const struct print_column kind_columns[] = {
	{ N_("FIELD"), "name", PRINT_TEXT },       { N_("TYPE"), "type", PRINT_TEXT },
	{ N_("DEFAULT"), "default", PRINT_TEXT },  { N_("LYNC"), "lync", PRINT_TEXT },
	{ N_("MEANING"), "sentence", PRINT_TEXT }, { NULL, NULL, PRINT_TEXT },
};
static const struct print_column listener_columns[] = {
	{ N_("SIDE"), "side", PRINT_WORD },   { N_("ADDRESS"), "address", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_WORD }, { N_("WHY"), "why", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column problem_columns[] = {
	{ N_("FILE"), "file", PRINT_TEXT },       { N_("LINE"), "line", PRINT_NUMBER },
	{ N_("FIELD"), "field", PRINT_TEXT },     { N_("PROBLEM"), "why", PRINT_TEXT },
	{ N_("ALLOWED"), "allowed", PRINT_TEXT }, { NULL, NULL, PRINT_TEXT },
};
static const struct print_column step_columns[] = {
	{ N_("STEP"), "number", PRINT_NUMBER },
	{ N_("NAME"), "name", PRINT_TEXT },
	{ N_("RESULT"), "result", PRINT_WORD },
	{ N_("BECAUSE"), "words", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column flag_columns[] = {
	{ N_("FLAG"), "flag", PRINT_TEXT },
	{ N_("ON"), "on", PRINT_WORD },
	{ N_("FROM"), "policy", PRINT_TEXT },
	{ N_("SCOPE"), "scope", PRINT_WORD },
	{ N_("WITHOUT EFFECT BECAUSE"), "hindered", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};

/* ---- the results ---- */

void render_status(struct buffer *out, const struct print_style *style, const struct json *status)
{
	const struct json *published = json_get(status, "published"),
	                  *attention = json_get(status, "attention");
	char shown[SHOWN_BYTES];

	line_value(out, style, status, "node");
	buffer_add(out, SLICE("  "));
	line_value(out, style, status, "server");
	buffer_printf(out, _(", up %s\n"),
	              shown_age(style->now.wall_ms -
	                                json_as_number(json_get(status, "started"), style->now.wall_ms),
	                        shown));
	buffer_add(out, slice_of(_("configuration version ")));
	line_value(out, style, status, "version");
	if (json_kind(published) == JSON_KIND_OBJECT) {
		buffer_printf(out, _(", published %s by "),
		              shown_time(json_as_number(json_get(published, "time"), 0), shown));
		line_value(out, style, published, "author");
	}
	buffer_add(out, SLICE("\n\n"));
	render_rows_of(out, style, CONTROL_VERB_SERVICE_LIST, json_get(status, "services"));
	buffer_add_char(out, '\n');
	print_members_of(out, style, NULL, json_get(status, "switches"), "");
	buffer_add_char(out, '\n');
	print_members(out, style, json_get(status, "traffic"), "history");
	buffer_add_char(out, '\n');
	print_members_of(out, style, "domains", json_get(status, "domains"), "");
	if (json_count(json_get(status, "steps"))) {
		buffer_printf(out, "\n%s\n", _("refused, by step:"));
		print_members_of(out, style, NULL, json_get(status, "steps"), "");
	}
	if (json_count(attention))
		buffer_printf(out, "\n%s\n", _("needs attention:"));
	for (size_t i = 0; i < json_count(attention); i++)
		render_event(out, style, json_at(attention, i));
}

void render_fields(struct buffer *out, const struct print_style *style, const struct json *object)
{
	print_members_of(out, style, NULL, json_get(object, "fields"), "");
}

void render_with_live(struct buffer *out, const struct print_style *style, const struct json *partner)
{
	render_fields(out, style, partner);
	buffer_add_char(out, '\n');
	print_members(out, style, partner, "kind key fields version");
}

/* "2026-11-28 14:02:00, by us: blocked": what went wrong last, behind what it was. */
static void render_error(struct buffer *out, const struct print_style *style, const char *what,
                         const struct json *error, const char *direction)
{
	char shown[SHOWN_BYTES];

	if (json_kind(error) != JSON_KIND_OBJECT)
		return;
	buffer_printf(out, "%s %s, ", what, shown_time(json_as_number(json_get(error, "time"), 0), shown));
	if (direction) {
		print_value(out, style, json_get(error, direction), PRINT_WORD);
		buffer_add(out, SLICE(", "));
	}
	buffer_add(out, slice_of(_("by ")));
	print_value(out, style, json_get(error, "by"), PRINT_WORD);
	buffer_add(out, SLICE(": "));
	line_value(out, style, error, "text");
	buffer_add_char(out, '\n');
	if (!direction && !slice_is_empty(text_of(error, "advice"))) {
		buffer_printf(out, "%s ", _("what to do:"));
		line_value(out, style, error, "advice");
		buffer_add_char(out, '\n');
	}
}

static const char domain_beside[] = "fields counts connections_list last_error last_error_at advice "
                                    "last_error_in last_error_out";

/* Its settings first, of them those that a domain of its list has; then what is live. */
void render_domain(struct buffer *out, const struct print_style *style, const struct json *domain)
{
	const struct model_kind *settings = model_kind(MODEL_ALLOWED_DOMAIN);
	const struct json *connections = json_get(domain, "connections_list");
	char without[1024];
	int used = snprintf(without, sizeof without, "%s", domain_beside);

	for (size_t i = 0; i < settings->field_count && used > 0 && (size_t)used < sizeof without; i++)
		used += snprintf(without + used, sizeof without - (size_t)used, " %s",
		                 settings->fields[i].name);
	render_fields(out, style, domain);
	buffer_add_char(out, '\n');
	print_members(out, style, domain, without);
	buffer_add_char(out, '\n');
	print_members(out, style, json_get(domain, "counts"), "");
	render_error(out, style, _("last error of what came in:"), json_get(domain, "last_error_in"), NULL);
	render_error(out, style, _("last error of what went out:"), json_get(domain, "last_error_out"), NULL);
	if (json_count(connections)) {
		buffer_add_char(out, '\n');
		render_rows_of(out, style, CONTROL_VERB_CONNECTION_LIST, connections);
	}
}

/* What the verdict rests on without anybody having looked: before all else, so that nobody reads past it. */
static void render_assumed(struct buffer *out, const struct print_style *style, const struct json *assumed)
{
	for (size_t i = 0; i < json_count(assumed); i++) {
		buffer_add(out, i ? slice_of(_(", and ")) : SLICE_NONE);
		print_value(out, style, json_at(assumed, i), PRINT_TEXT);
	}
	buffer_add_char(out, '\n');
}

void render_why(struct buffer *out, const struct print_style *style, const struct json *why)
{
	const struct json *assumed = json_get(why, "assumed");

	if (slice_equal(text_of(why, "answer"), SLICE("pass")) && json_count(assumed)) {
		buffer_add(out, slice_of(_("WOULD PASS, if ")));
		render_assumed(out, style, assumed);
	} else if (slice_equal(text_of(why, "answer"), SLICE("pass"))) {
		buffer_printf(out, "%s\n", _("PASS: it would cross"));
	} else {
		buffer_add(out, slice_of(_("REFUSE at step ")));
		line_value(out, style, why, "step");
		buffer_add(out, SLICE(", "));
		line_value(out, style, why, "name");
		buffer_add(out, SLICE(" ("));
		line_value(out, style, why, "status");
		buffer_add(out, SLICE("): "));
		line_value(out, style, why, "words");
		buffer_add_char(out, '\n');
	}
	render_error(out, style, _("last failure with this partner:"), json_get(why, "last_error"),
	             "direction");
	buffer_add_char(out, '\n');
	print_table(out, style, step_columns, json_get(why, "steps"));
	for (size_t i = 0; i < json_count(json_get(why, "steps")); i++) {
		const struct json *step = json_at(json_get(why, "steps"), i);

		if (slice_equal(text_of(step, "result"), SLICE("refuse"))) {
			buffer_printf(out, "\n%s ", _("what to do:"));
			line_value(out, style, step, "advice");
			buffer_add_char(out, '\n');
		}
	}
	if (!slice_is_empty(text_of(why, "change"))) {
		buffer_printf(out, "\n%s ", _("smallest change that lets it pass:"));
		line_value(out, style, why, "change");
		buffer_add_char(out, '\n');
	}
}

void render_event(struct buffer *out, const struct print_style *style, const struct json *event)
{
	enum control_event_id id = control_event_named(text_of(event, "event"));
	struct slice sentence = text_of(event, "sentence"), severity = text_of(event, "severity");
	char shown[SHOWN_BYTES], words[SAID_BYTES];
	struct buffer made;

	buffer_start(&made, CONTROL_LINE_MAX);
	if (slice_is_empty(sentence))
		sentence = text_of(event, "text");
	if (slice_is_empty(sentence) && id < CONTROL_EVENT_COUNT) {
		control_event_sentence(control_event(id), event, &made);
		sentence = buffer_slice(&made);
	}
	if (slice_is_empty(severity) && id < CONTROL_EVENT_COUNT)
		severity = slice_of(control_severity_name(control_event(id)->severity));
	buffer_printf(out, "%s%c", shown_time(json_as_number(json_get(event, "time"), 0), shown),
	              style->is_terminal ? ' ' : '\t');
	print_text(out, style, severity);
	for (size_t i = severity.len; style->is_terminal && i < 7; i++)
		buffer_add_char(out, ' ');
	buffer_add_char(out, style->is_terminal ? ' ' : '\t');
	print_text(out, style,
	           slice_is_empty(sentence) ? text_of(event, "event")
	           : style->is_terminal     ? said(sentence, words)
	                                    : sentence);
	buffer_add_char(out, '\n');
	buffer_stop(&made);
}

void render_events(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *events = json_get(result, "events");

	for (size_t i = 0; i < json_count(events); i++)
		render_event(out, style, json_at(events, i));
}

void render_check(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *problems = json_get(result, "problems");

	if (json_count(problems)) {
		print_table(out, style, problem_columns, problems);
		return;
	}
	long long documents = json_as_number(json_get(result, "documents"), 0),
	          changes = json_as_number(json_get(result, "changes"), 0);

	buffer_printf(
	        out,
	        ngettext("%lld document is right; ", "%lld documents are right; ", (unsigned long)documents),
	        documents);
	if (changes == 0)
		buffer_add(out, slice_of(_("importing would change nothing\n")));
	else
		buffer_printf(out,
		              ngettext("importing would make %lld change\n",
		                       "importing would make %lld changes\n", (unsigned long)changes),
		              changes);
	render_warnings(out, style, json_get(result, "warnings"));
}

void render_kinds(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *kinds = json_get(result, "kinds");

	for (size_t i = 0; i < json_count(kinds); i++) {
		const struct json *kind = json_at(kinds, i);

		buffer_add(out, i ? SLICE("\n") : SLICE_NONE);
		line_value(out, style, kind, "name");
		buffer_add(out, SLICE(": "));
		line_value(out, style, kind, "sentence");
		buffer_add_char(out, '\n');
		print_table(out, style, kind_columns, json_get(kind, "fields"));
	}
}

void render_roles(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *roles = json_get(result, "roles");

	render_rows_of(out, style, CONTROL_VERB_ROLE_LIST, json_get(result, "rows"));
	buffer_printf(out, "\n%s\n", _("roles:"));
	for (size_t i = 0; i < json_count(roles); i++) {
		buffer_add(out, SLICE("  "));
		line_value(out, style, json_at(roles, i), "name");
		buffer_add(out, SLICE(": "));
		line_value(out, style, json_at(roles, i), "sentence");
		buffer_add_char(out, '\n');
	}
}

void render_service(struct buffer *out, const struct print_style *style, const struct json *service)
{
	long long ends = json_as_number(json_get(service, "drain_ends"), 0),
	          left_ms = ends - (long long)style->now.wall_ms;
	char shown[SHOWN_BYTES];

	print_members(out, style, service, "listeners");
	if (ends)
		buffer_printf(out, _("\ndrains; what is left ends in %s\n"),
		              shown_age(left_ms > 0 ? left_ms : 0, shown));
	if (json_count(json_get(service, "listeners"))) {
		buffer_add_char(out, '\n');
		print_table(out, style, listener_columns, json_get(service, "listeners"));
	}
}

void render_verdict(struct buffer *out, const struct print_style *style, const struct json *verdict)
{
	long long torn = json_as_number(json_get(verdict, "torn"), 0);

	if (!json_as_bool(json_get(verdict, "whole"), false)) {
		buffer_add(out, slice_of(_("BROKEN: ")));
		line_value(out, style, verdict, "file");
		buffer_printf(out, _(", line %lld: "),
		              (long long)json_as_number(json_get(verdict, "line"), 0));
		line_value(out, style, verdict, "why");
		buffer_add_char(out, '\n');
		return;
	}
	buffer_printf(out, _("the audit is whole: lines %lld to %lld; the last one's digest is "),
	              (long long)json_as_number(json_get(verdict, "first"), 0),
	              (long long)json_as_number(json_get(verdict, "last"), 0));
	line_value(out, style, verdict, "digest");
	buffer_add_char(out, '\n');
	if (torn)
		buffer_printf(out,
		              ngettext("%lld write was torn, as the line after it says\n",
		                       "%lld writes were torn, as the lines after them say\n",
		                       (unsigned long)torn),
		              torn);
}

void render_user(struct buffer *out, const struct print_style *style, const struct json *user)
{
	if (json_kind(json_get(user, "fields")) == JSON_KIND_OBJECT)
		print_members_of(out, style, NULL, json_get(user, "fields"), "");
	else
		buffer_printf(out, "%s\n", _("is listed nowhere"));
	buffer_add(out, slice_of(_("holds: ")));
	line_value(out, style, user, "effective");
	buffer_add(out, slice_of(_(", scope ")));
	line_value(out, style, user, "scope");
	buffer_add(out, SLICE("\n\n"));
	print_table(out, style, flag_columns, json_get(user, "flags"));
}
