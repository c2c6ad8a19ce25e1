#include "tui/cli/render.h"

#include "tui/cli/table.h"
#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct slice text_of(const struct json *object, const char *member)
{
	return json_as_slice(json_get(object, member));
}

/* ---- lists ---- */

void render_rows_of(struct buffer *out, const struct print_style *style, enum control_verb_id list,
                    const struct json *rows)
{
	struct print_column columns[COLUMNS_MAX + 1];
	struct columns preset;

	columns_preset(list, COLUMN_LINE, &preset);
	table_columns(&preset, columns);
	print_table(out, style, columns, rows);
}

/* ---- by verb ---- */

static const struct {
	enum control_verb_id verb;
	void (*render)(struct buffer *out, const struct print_style *style, const struct json *result);
	const char *
	        rows; /* of a list: where nothing renders it, and where columns, order or CSV are asked for */
} shapes[] = {
	{ CONTROL_VERB_STATUS, render_status, NULL },
	{ CONTROL_VERB_DOMAIN_LIST, NULL, "rows" },
	{ CONTROL_VERB_DOMAIN_SHOW, render_domain, NULL },
	{ CONTROL_VERB_ACCESS_EDGE_SHOW, render_fields, NULL },
	{ CONTROL_VERB_PROVIDER_LIST, NULL, "rows" },
	{ CONTROL_VERB_PROVIDER_SHOW, render_with_live, NULL },
	{ CONTROL_VERB_XMPP_LIST, NULL, "rows" },
	{ CONTROL_VERB_XMPP_SHOW, render_with_live, NULL },
	{ CONTROL_VERB_POLICY_SHOW, render_fields, NULL },
	{ CONTROL_VERB_POLICY_LIST, NULL, "rows" },
	{ CONTROL_VERB_SITE_LIST, NULL, "rows" },
	{ CONTROL_VERB_USER_LIST, NULL, "rows" },
	{ CONTROL_VERB_USER_SHOW, render_user, NULL },
	{ CONTROL_VERB_TOPOLOGY_SHOW, render_topology, "tree" },
	{ CONTROL_VERB_EDGE_POOL_LIST, NULL, "rows" },
	{ CONTROL_VERB_EDGE_LIST, NULL, "rows" },
	{ CONTROL_VERB_POOL_LIST, NULL, "rows" },
	{ CONTROL_VERB_POOL_MEMBER_LIST, NULL, "rows" },
	{ CONTROL_VERB_XMPP_NAME_LIST, NULL, "rows" },
	{ CONTROL_VERB_CONNECTION_LIST, NULL, "rows" },
	{ CONTROL_VERB_SESSION_LIST, NULL, "rows" },
	{ CONTROL_VERB_DISCOVERED_LIST, NULL, "rows" },
	{ CONTROL_VERB_REMOTE_LIST, NULL, "rows" },
	{ CONTROL_VERB_CONFERENCE_LIST, NULL, "rows" },
	{ CONTROL_VERB_WHY, render_why, NULL },
	{ CONTROL_VERB_EVENT_TAIL, render_events, "events" },
	{ CONTROL_VERB_CONFIG_CHECK, render_check, NULL },
	{ CONTROL_VERB_VERSION_LIST, NULL, "versions" },
	{ CONTROL_VERB_MODEL_KINDS, render_kinds, NULL },
	{ CONTROL_VERB_ROLE_LIST, render_roles, "rows" },
	{ CONTROL_VERB_STAGE_LIST, render_stage_list, "changes" },
	{ CONTROL_VERB_STAGE_DIFF, render_stage_diff, "changes" },
	{ CONTROL_VERB_PLAN, render_changes, NULL },
	{ CONTROL_VERB_VERSION_SHOW, render_version, NULL },
	{ CONTROL_VERB_VERSION_DIFF, render_version, NULL },
	{ CONTROL_VERB_SERVICE_LIST, NULL, "rows" },
	{ CONTROL_VERB_SERVICE_SHOW, render_service, NULL },
	{ CONTROL_VERB_SERVICE_START, render_service, NULL },
	{ CONTROL_VERB_SERVICE_STOP, render_service, NULL },
	{ CONTROL_VERB_SERVICE_DRAIN, render_service, NULL },
	{ CONTROL_VERB_SERVICE_RESTART, render_service, NULL },
	{ CONTROL_VERB_AUDIT_LIST, NULL, "rows" },
	{ CONTROL_VERB_AUDIT_VERIFY, render_verdict, NULL },
};

enum control_verb_id render_list(enum control_verb_id verb)
{
	for (size_t i = 0; i < COUNT(shapes); i++)
		if (shapes[i].verb == verb && shapes[i].rows)
			return verb == CONTROL_VERB_STAGE_DIFF ? CONTROL_VERB_STAGE_LIST : verb;
	return CONTROL_VERB_COUNT;
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
			render_rows_of(out, style, verb, json_get(result, shapes[i].rows));
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
