#include "tui/cli/render.h"

#include "tui/client/shown.h"
#include "tui/client/said.h"
#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct slice text_of(const struct json *object, const char *member)
{
	return json_as_slice(json_get(object, member));
}

static void line_value(struct buffer *out, const struct print_style *style, const struct json *object,
                       const char *member)
{
	print_value(out, style, json_get(object, member), PRINT_TEXT);
}

/* ---- lists ---- */

static const struct print_column domain_columns[] = {
	{ N_("DOMAIN"), "domain", PRINT_TEXT },          { N_("RULE"), "rule", PRINT_TEXT },
	{ N_("PROXY"), "proxy-fqdn", PRINT_TEXT },       { N_("PORT"), "proxy-port", PRINT_NUMBER },
	{ N_("IDENTITY"), "identity", PRINT_TEXT },      { N_("LIVE"), "state", PRINT_TEXT },
	{ N_("CONNS"), "connections", PRINT_NUMBER },    { N_("MSG/S"), "rate", PRINT_RATE },
	{ N_("ERROR AT"), "last_error_at", PRINT_TIME }, { N_("LAST ERROR"), "last_error", PRINT_TEXT },
	{ N_("COMMENT"), "comment", PRINT_TEXT },        { NULL, NULL, PRINT_TEXT },
};
static const struct print_column connection_columns[] = {
	{ N_("ID"), "id", PRINT_TEXT },
	{ N_("PARTNER"), "partner", PRINT_TEXT },
	{ N_("SIDE"), "side", PRINT_TEXT },
	{ N_("DIR"), "direction", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT },
	{ N_("AUTH"), "auth", PRINT_TEXT },
	{ N_("TLS"), "tls", PRINT_TEXT },
	{ N_("ADDRESS"), "address", PRINT_TEXT },
	{ N_("AGE"), "since", PRINT_AGE },
	{ N_("MSG/S"), "rate", PRINT_RATE },
	{ N_("IN"), "messages_in", PRINT_NUMBER },
	{ N_("OUT"), "messages_out", PRINT_NUMBER },
	{ N_("LAST ERROR"), "last_error", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column discovered_columns[] = {
	{ N_("DOMAIN"), "domain", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT },
	{ N_("MSGS"), "requests", PRINT_NUMBER },
	{ N_("LIMITED"), "limited", PRINT_NUMBER },
	{ N_("CONTACTS"), "contacts", PRINT_NUMBER },
	{ N_("SEEN"), "last_seen", PRINT_AGE },
	{ N_("ADDRESS"), "address", PRINT_TEXT },
	{ N_("CERTIFICATE"), "certificate", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column remote_columns[] = {
	{ N_("USER"), "user", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT },
	{ N_("ADDRESS"), "address", PRINT_TEXT },
	{ N_("PROGRAM"), "agent", PRINT_TEXT },
	{ N_("SINCE"), "since", PRINT_AGE },
	{ N_("EXPIRES"), "expires_in_s", PRINT_NUMBER },
	{ N_("IN"), "messages_in", PRINT_NUMBER },
	{ N_("OUT"), "messages_out", PRINT_NUMBER },
	{ N_("CONNECTION"), "connection", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column conference_columns[] = {
	{ N_("MEETING"), "sip-address", PRINT_TEXT },
	{ N_("ORGANIZER"), "organizer", PRINT_TEXT },
	{ N_("DESCRIPTION"), "description", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column session_columns[] = {
	{ N_("KIND"), "kind", PRINT_TEXT },
	{ N_("OURS"), "local", PRINT_TEXT },
	{ N_("THEIRS"), "remote", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT },
	{ N_("IDLE"), "idle_s", PRINT_NUMBER },
	{ N_("EXPIRES"), "expires_in_s", PRINT_NUMBER },
	{ N_("RETRY"), "retry_in_s", PRINT_NUMBER },
	{ N_("DEVICES"), "devices", PRINT_NUMBER },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column provider_columns[] = {
	{ N_("PROVIDER"), "identity", PRINT_TEXT },
	{ N_("TYPE"), "type", PRINT_TEXT },
	{ N_("ENABLED"), "enabled", PRINT_TEXT },
	{ N_("EDGE"), "proxy-fqdn", PRINT_TEXT },
	{ N_("VERIFICATION"), "verification-level", PRINT_TEXT },
	{ N_("LIVE"), "state", PRINT_TEXT },
	{ N_("CONNECTIONS"), "connections", PRINT_NUMBER },
	{ N_("LAST ERROR"), "last_error", PRINT_TEXT },
	{ N_("DOMAINS"), "domains", PRINT_TEXT },
	{ N_("ENDED"), "ended", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column xmpp_columns[] = {
	{ N_("DOMAIN"), "domain", PRINT_TEXT },
	{ N_("ENABLED"), "enabled", PRINT_TEXT },
	{ N_("TYPE"), "partner-type", PRINT_TEXT },
	{ N_("TLS"), "tls-negotiation", PRINT_TEXT },
	{ N_("SASL"), "sasl-negotiation", PRINT_TEXT },
	{ N_("DIALBACK"), "support-dialback-negotiation", PRINT_TEXT },
	{ N_("VERDICT"), "verdict", PRINT_TEXT },
	{ N_("LIVE"), "state", PRINT_TEXT },
	{ N_("LAST ERROR"), "last_error", PRINT_TEXT },
	{ N_("ALSO"), "additional-domains", PRINT_TEXT },
	{ N_("DESCRIPTION"), "description", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column policy_columns[] = {
	{ N_("POLICY"), "identity", PRINT_TEXT },
	{ N_("SCOPE"), "scope", PRINT_TEXT },
	{ N_("FEDERATION"), "enable-federation-access", PRINT_TEXT },
	{ N_("XMPP"), "enable-xmpp-access", PRINT_TEXT },
	{ N_("REMOTE"), "enable-outside-access", PRINT_TEXT },
	{ N_("PUBLIC"), "enable-public-cloud-access", PRINT_TEXT },
	{ N_("PUBLIC A/V"), "enable-public-cloud-audio-video-access", PRINT_TEXT },
	{ N_("USERS"), "users", PRINT_NUMBER },
	{ N_("DESCRIPTION"), "description", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column user_columns[] = {
	{ N_("USER"), "sip-address", PRINT_TEXT }, { N_("NAME"), "display-name", PRINT_TEXT },
	{ N_("SITE"), "site", PRINT_TEXT },        { N_("POLICY"), "effective", PRINT_TEXT },
	{ N_("BY"), "scope", PRINT_TEXT },         { N_("FEDERATION"), "federation", PRINT_TEXT },
	{ N_("XMPP"), "xmpp", PRINT_TEXT },        { N_("REMOTE"), "remote", PRINT_TEXT },
	{ N_("PUBLIC"), "public", PRINT_TEXT },    { NULL, NULL, PRINT_TEXT },
};
static const struct print_column flag_columns[] = {
	{ N_("FLAG"), "flag", PRINT_TEXT },
	{ N_("ON"), "on", PRINT_TEXT },
	{ N_("FROM"), "policy", PRINT_TEXT },
	{ N_("SCOPE"), "scope", PRINT_TEXT },
	{ N_("WITHOUT EFFECT BECAUSE"), "hindered", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column version_columns[] = {
	{ N_("VERSION"), "version", PRINT_NUMBER }, { N_("PUBLISHED (UTC)"), "time", PRINT_TIME },
	{ N_("BY"), "author", PRINT_TEXT },         { N_("CHANGES"), "changes", PRINT_NUMBER },
	{ N_("COMMENT"), "comment", PRINT_TEXT },   { NULL, NULL, PRINT_TEXT },
};
static const struct print_column kind_columns[] = {
	{ N_("FIELD"), "name", PRINT_TEXT },       { N_("TYPE"), "type", PRINT_TEXT },
	{ N_("DEFAULT"), "default", PRINT_TEXT },  { N_("LYNC"), "lync", PRINT_TEXT },
	{ N_("MEANING"), "sentence", PRINT_TEXT }, { NULL, NULL, PRINT_TEXT },
};
static const struct print_column listener_columns[] = {
	{ N_("SIDE"), "side", PRINT_TEXT },   { N_("ADDRESS"), "address", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT }, { N_("WHY"), "why", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column audit_columns[] = {
	{ N_("LINE"), "number", PRINT_NUMBER },
	{ N_("TIME (UTC)"), "time", PRINT_TEXT },
	{ N_("WHO"), "who", PRINT_TEXT },
	{ N_("LOGIN"), "login", PRINT_TEXT },
	{ N_("ADDRESS"), "address", PRINT_TEXT },
	{ N_("COMMAND"), "command", PRINT_TEXT },
	{ N_("OUTCOME"), "outcome", PRINT_TEXT },
	{ N_("VERSION"), "version", PRINT_NUMBER },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column role_columns[] = {
	{ N_("MEMBER"), "member", PRINT_TEXT },
	{ N_("ROLES"), "roles", PRINT_TEXT },
	{ N_("COMMENT"), "comment", PRINT_TEXT },
	{ N_("NOTE"), "note", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column event_columns[] = {
	{ N_("TIME"), "time", PRINT_TIME },   { N_("SEVERITY"), "severity", PRINT_TEXT },
	{ N_("EVENT"), "event", PRINT_TEXT }, { N_("WHAT HAPPENED"), "sentence", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column change_columns[] = {
	{ N_("KIND"), "kind", PRINT_TEXT },
	{ N_("KEY"), "key", PRINT_TEXT },
	{ N_("FIELD"), "field", PRINT_TEXT },
	{ N_("CHANGE"), "what", PRINT_TEXT },
	{ N_("BEFORE"), "before", PRINT_TEXT },
	{ N_("AFTER"), "after", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};
static const struct print_column service_columns[] = {
	{ N_("SERVICE"), "name", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT },
	{ N_("SINCE"), "since", PRINT_AGE },
	{ N_("CONNS"), "connections", PRINT_NUMBER },
	{ N_("TRANS"), "transactions", PRINT_NUMBER },
	{ N_("PID"), "pid", PRINT_NUMBER },
	{ N_("RESTARTS"), "restarts", PRINT_NUMBER },
	{ N_("WHY"), "why", PRINT_TEXT },
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
	{ N_("RESULT"), "result", PRINT_TEXT },
	{ N_("BECAUSE"), "words", PRINT_TEXT },
	{ NULL, NULL, PRINT_TEXT },
};

/* ---- results of another shape ---- */

static void render_status(struct buffer *out, const struct print_style *style, const struct json *status)
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
	print_table(out, style, service_columns, json_get(status, "services"));
	buffer_add_char(out, '\n');
	print_members(out, style, json_get(status, "switches"), "");
	buffer_add_char(out, '\n');
	print_members(out, style, json_get(status, "traffic"), "history");
	buffer_add_char(out, '\n');
	print_members(out, style, json_get(status, "domains"), "");
	if (json_count(json_get(status, "steps"))) {
		buffer_printf(out, "\n%s\n", _("refused, by step:"));
		print_members(out, style, json_get(status, "steps"), "");
	}
	if (json_count(attention))
		buffer_printf(out, "\n%s\n", _("needs attention:"));
	for (size_t i = 0; i < json_count(attention); i++)
		render_event(out, style, json_at(attention, i));
}

static void render_fields(struct buffer *out, const struct print_style *style, const struct json *object)
{
	print_members(out, style, json_get(object, "fields"), "");
}

static void render_with_live(struct buffer *out, const struct print_style *style, const struct json *partner)
{
	render_fields(out, style, partner);
	buffer_add_char(out, '\n');
	print_members(out, style, partner, "kind key fields version");
}

static void render_domain(struct buffer *out, const struct print_style *style, const struct json *domain)
{
	const struct json *connections = json_get(domain, "connections_list");

	print_members(out, style, domain, "connections_list");
	if (json_count(connections)) {
		buffer_add_char(out, '\n');
		print_table(out, style, connection_columns, connections);
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

static void render_last_error(struct buffer *out, const struct print_style *style, const struct json *error)
{
	char shown[SHOWN_BYTES];

	if (json_kind(error) != JSON_KIND_OBJECT)
		return;
	buffer_printf(out, _("last failure with this partner: %s, "),
	              shown_time(json_as_number(json_get(error, "time"), 0), shown));
	line_value(out, style, error, "direction");
	buffer_add(out, slice_of(_(", by ")));
	line_value(out, style, error, "by");
	buffer_add(out, SLICE(": "));
	line_value(out, style, error, "text");
	buffer_add_char(out, '\n');
}

static void render_why(struct buffer *out, const struct print_style *style, const struct json *why)
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
	render_last_error(out, style, json_get(why, "last_error"));
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

static void render_events(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *events = json_get(result, "events");

	for (size_t i = 0; i < json_count(events); i++)
		render_event(out, style, json_at(events, i));
}

static void render_check(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *problems = json_get(result, "problems");

	if (json_count(problems)) {
		print_table(out, style, problem_columns, problems);
		return;
	}
	long long documents = json_as_number(json_get(result, "documents"), 0),
	          changes = json_as_number(json_get(result, "changes"), 0);

	buffer_printf(out, documents == 1 ? _("%lld document is right; ") : _("%lld documents are right; "),
	              documents);
	if (changes == 0)
		buffer_add(out, slice_of(_("importing would change nothing\n")));
	else
		buffer_printf(out,
		              changes == 1 ? _("importing would make %lld change\n")
		                           : _("importing would make %lld changes\n"),
		              changes);
	render_warnings(out, style, json_get(result, "warnings"));
}

static void render_kinds(struct buffer *out, const struct print_style *style, const struct json *result)
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

static void render_roles(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *roles = json_get(result, "roles");

	print_table(out, style, role_columns, json_get(result, "rows"));
	buffer_printf(out, "\n%s\n", _("roles:"));
	for (size_t i = 0; i < json_count(roles); i++) {
		buffer_add(out, SLICE("  "));
		line_value(out, style, json_at(roles, i), "name");
		buffer_add(out, SLICE(": "));
		line_value(out, style, json_at(roles, i), "sentence");
		buffer_add_char(out, '\n');
	}
}

static void render_service(struct buffer *out, const struct print_style *style, const struct json *service)
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

static void render_verdict(struct buffer *out, const struct print_style *style, const struct json *verdict)
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
		              torn == 1 ? _("%lld write was torn, as the line after it says\n")
		                        : _("%lld writes were torn, as the lines after them say\n"),
		              torn);
}

static void render_user(struct buffer *out, const struct print_style *style, const struct json *user)
{
	if (json_kind(json_get(user, "fields")) == JSON_KIND_OBJECT)
		print_members(out, style, json_get(user, "fields"), "");
	else
		buffer_printf(out, "%s\n", _("is listed nowhere"));
	buffer_add(out, slice_of(_("holds: ")));
	line_value(out, style, user, "effective");
	buffer_add(out, slice_of(_(", scope ")));
	line_value(out, style, user, "scope");
	buffer_add(out, SLICE("\n\n"));
	print_table(out, style, flag_columns, json_get(user, "flags"));
}

/* ---- by verb ---- */

static const struct {
	enum control_verb_id verb;
	void (*render)(struct buffer *out, const struct print_style *style, const struct json *result);
	const struct print_column *
	        columns; /* of its rows: where nothing renders it, and where columns, order or CSV are asked for */
	const char *rows;
} shapes[] = {
	{ CONTROL_VERB_STATUS, render_status, NULL, NULL },
	{ CONTROL_VERB_DOMAIN_LIST, NULL, domain_columns, "rows" },
	{ CONTROL_VERB_DOMAIN_SHOW, render_domain, NULL, NULL },
	{ CONTROL_VERB_ACCESS_EDGE_SHOW, render_fields, NULL, NULL },
	{ CONTROL_VERB_PROVIDER_LIST, NULL, provider_columns, "rows" },
	{ CONTROL_VERB_PROVIDER_SHOW, render_with_live, NULL, NULL },
	{ CONTROL_VERB_XMPP_LIST, NULL, xmpp_columns, "rows" },
	{ CONTROL_VERB_XMPP_SHOW, render_with_live, NULL, NULL },
	{ CONTROL_VERB_POLICY_SHOW, render_fields, NULL, NULL },
	{ CONTROL_VERB_POLICY_LIST, NULL, policy_columns, "rows" },
	{ CONTROL_VERB_SITE_LIST, NULL, render_site_columns, "rows" },
	{ CONTROL_VERB_USER_LIST, NULL, user_columns, "rows" },
	{ CONTROL_VERB_USER_SHOW, render_user, NULL, NULL },
	{ CONTROL_VERB_TOPOLOGY_SHOW, render_topology, NULL, NULL },
	{ CONTROL_VERB_EDGE_POOL_LIST, NULL, render_edge_pool_columns, "rows" },
	{ CONTROL_VERB_EDGE_LIST, NULL, render_edge_columns, "rows" },
	{ CONTROL_VERB_POOL_LIST, NULL, render_pool_columns, "rows" },
	{ CONTROL_VERB_POOL_MEMBER_LIST, NULL, render_pool_member_columns, "rows" },
	{ CONTROL_VERB_XMPP_NAME_LIST, NULL, render_xmpp_name_columns, "rows" },
	{ CONTROL_VERB_CONNECTION_LIST, NULL, connection_columns, "rows" },
	{ CONTROL_VERB_SESSION_LIST, NULL, session_columns, "rows" },
	{ CONTROL_VERB_DISCOVERED_LIST, NULL, discovered_columns, "rows" },
	{ CONTROL_VERB_REMOTE_LIST, NULL, remote_columns, "rows" },
	{ CONTROL_VERB_CONFERENCE_LIST, NULL, conference_columns, "rows" },
	{ CONTROL_VERB_WHY, render_why, NULL, NULL },
	{ CONTROL_VERB_EVENT_TAIL, render_events, event_columns, "events" },
	{ CONTROL_VERB_CONFIG_CHECK, render_check, NULL, NULL },
	{ CONTROL_VERB_VERSION_LIST, NULL, version_columns, "versions" },
	{ CONTROL_VERB_MODEL_KINDS, render_kinds, NULL, NULL },
	{ CONTROL_VERB_ROLE_LIST, render_roles, role_columns, "rows" },
	{ CONTROL_VERB_STAGE_LIST, render_stage_list, change_columns, "changes" },
	{ CONTROL_VERB_STAGE_DIFF, render_stage_diff, change_columns, "changes" },
	{ CONTROL_VERB_PLAN, render_changes, NULL, NULL },
	{ CONTROL_VERB_VERSION_SHOW, render_version, NULL, NULL },
	{ CONTROL_VERB_VERSION_DIFF, render_version, NULL, NULL },
	{ CONTROL_VERB_SERVICE_LIST, NULL, service_columns, "rows" },
	{ CONTROL_VERB_SERVICE_SHOW, render_service, NULL, NULL },
	{ CONTROL_VERB_SERVICE_START, render_service, NULL, NULL },
	{ CONTROL_VERB_SERVICE_STOP, render_service, NULL, NULL },
	{ CONTROL_VERB_SERVICE_DRAIN, render_service, NULL, NULL },
	{ CONTROL_VERB_SERVICE_RESTART, render_service, NULL, NULL },
	{ CONTROL_VERB_AUDIT_LIST, NULL, audit_columns, "rows" },
	{ CONTROL_VERB_AUDIT_VERIFY, render_verdict, NULL, NULL },
};

const struct print_column *render_columns(enum control_verb_id verb)
{
	for (size_t i = 0; i < COUNT(shapes); i++)
		if (shapes[i].verb == verb)
			return shapes[i].columns;
	return NULL;
}

const struct json *render_rows(enum control_verb_id verb, const struct json *result)
{
	for (size_t i = 0; i < COUNT(shapes); i++)
		if (shapes[i].verb == verb && shapes[i].rows)
			return json_get(result, shapes[i].rows);
	return NULL;
}

void render_result(struct buffer *out, const struct print_style *style, enum control_verb_id verb,
                   const struct json *result)
{
	for (size_t i = 0; i < COUNT(shapes); i++) {
		if (shapes[i].verb != verb)
			continue;
		if (shapes[i].render)
			shapes[i].render(out, style, result);
		else
			print_table(out, style, shapes[i].columns, json_get(result, shapes[i].rows));
		return;
	}
	if (control_verb(verb)->effect == CONTROL_CHANGES || control_verb(verb)->effect == CONTROL_STAGES)
		render_changes(out, style, result);
	else if (json_kind(json_get(result, "fields")) == JSON_KIND_OBJECT)
		render_fields(out, style, result);
	else
		print_members(out, style, result, "");
}

enum cli_exit render_exit(enum control_verb_id verb, const struct json *result)
{
	if (verb == CONTROL_VERB_WHY && !slice_equal(text_of(result, "answer"), SLICE("pass")))
		return CLI_EXIT_NO;
	if (verb == CONTROL_VERB_AUDIT_VERIFY && !json_as_bool(json_get(result, "whole"), false))
		return CLI_EXIT_NO;
	if (verb == CONTROL_VERB_CONFIG_CHECK && json_count(json_get(result, "problems")))
		return CLI_EXIT_NO;
	if (!json_as_bool(json_get(result, "applied"), true) && json_count(json_get(result, "changes")))
		return CLI_EXIT_PARTIAL;
	return CLI_EXIT_DONE;
}

enum cli_exit render_error_exit(enum control_code code)
{
	switch (code) {
	case CONTROL_OK: return CLI_EXIT_DONE;
	case CONTROL_USAGE:
	case CONTROL_UNKNOWN_VERB:
	case CONTROL_NOT_JSON:
	case CONTROL_NOT_A_REQUEST: return CLI_EXIT_USAGE;
	case CONTROL_DENIED: return CLI_EXIT_DENIED;
	case CONTROL_EXISTS:
	case CONTROL_CONFLICT: return CLI_EXIT_CONFLICT;
	case CONTROL_INVALID:
	case CONTROL_NOT_FOUND:
	case CONTROL_TOO_LARGE: return CLI_EXIT_INVALID;
	case CONTROL_BUSY:
	case CONTROL_UNAVAILABLE: return CLI_EXIT_UNREACHABLE;
	case CONTROL_TIMEOUT: return CLI_EXIT_TIMED_OUT;
	case CONTROL_INTERNAL:
	case CONTROL_CODE_COUNT: return CLI_EXIT_INTERNAL;
	}
	return CLI_EXIT_INTERNAL;
}
