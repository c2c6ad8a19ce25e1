#include "tui/cli/render.h"

#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct slice text_of(const struct json *object, const char *member)
{
	return json_as_slice(json_get(object, member));
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
const struct print_column render_connection_columns[] = {
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
static const struct print_column version_columns[] = {
	{ N_("VERSION"), "version", PRINT_NUMBER }, { N_("PUBLISHED (UTC)"), "time", PRINT_TIME },
	{ N_("BY"), "author", PRINT_TEXT },         { N_("CHANGES"), "changes", PRINT_NUMBER },
	{ N_("COMMENT"), "comment", PRINT_TEXT },   { NULL, NULL, PRINT_TEXT },
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
const struct print_column render_role_columns[] = {
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
const struct print_column render_service_columns[] = {
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
	{ CONTROL_VERB_CONNECTION_LIST, NULL, render_connection_columns, "rows" },
	{ CONTROL_VERB_SESSION_LIST, NULL, session_columns, "rows" },
	{ CONTROL_VERB_DISCOVERED_LIST, NULL, discovered_columns, "rows" },
	{ CONTROL_VERB_REMOTE_LIST, NULL, remote_columns, "rows" },
	{ CONTROL_VERB_CONFERENCE_LIST, NULL, conference_columns, "rows" },
	{ CONTROL_VERB_WHY, render_why, NULL, NULL },
	{ CONTROL_VERB_EVENT_TAIL, render_events, event_columns, "events" },
	{ CONTROL_VERB_CONFIG_CHECK, render_check, NULL, NULL },
	{ CONTROL_VERB_VERSION_LIST, NULL, version_columns, "versions" },
	{ CONTROL_VERB_MODEL_KINDS, render_kinds, NULL, NULL },
	{ CONTROL_VERB_ROLE_LIST, render_roles, render_role_columns, "rows" },
	{ CONTROL_VERB_STAGE_LIST, render_stage_list, change_columns, "changes" },
	{ CONTROL_VERB_STAGE_DIFF, render_stage_diff, change_columns, "changes" },
	{ CONTROL_VERB_PLAN, render_changes, NULL, NULL },
	{ CONTROL_VERB_VERSION_SHOW, render_version, NULL, NULL },
	{ CONTROL_VERB_VERSION_DIFF, render_version, NULL, NULL },
	{ CONTROL_VERB_SERVICE_LIST, NULL, render_service_columns, "rows" },
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
