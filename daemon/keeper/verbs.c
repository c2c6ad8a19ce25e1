/*
 * The table of verbs, and the first of them.
 */
#include "daemon/keeper/parts.h"

/* What runs a row of verbs.def. */
static const struct {
	enum control_verb_id id;
	void (*run)(struct call *call);
} known[] = {
#define VERB(id, ...) { CONTROL_VERB_##id, verb_run_##id },
#include "shared/control/verbs.def"
#undef VERB
};

/* Params that a verb takes beside its row's. */
static const struct {
	enum control_verb_id id;
	const char *names;
} extras[] = {
	{ CONTROL_VERB_HELLO, "protocol client mode from" },
	{ CONTROL_VERB_CONNECTION_LIST, "after limit" },
	{ CONTROL_VERB_DISCOVERED_LIST, "after limit" },
	{ CONTROL_VERB_SESSION_LIST, "after limit" },
	{ CONTROL_VERB_REMOTE_LIST, "after limit" },
	{ CONTROL_VERB_EVENT_TAIL, "debug" },
	{ CONTROL_VERB_CONFIG_CHECK, "uploaded" },
	{ CONTROL_VERB_CONFIG_IMPORT, "uploaded" },
	{ CONTROL_VERB_CONFIG_EXPORT, "document offset" },
	{ CONTROL_VERB_MODEL_KINDS, "kind" },
};

static const char *extras_of(enum control_verb_id id)
{
	for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
		if (extras[i].id == id)
			return extras[i].names;
	return "";
}

/* On the wire only: how documents reach a daemon that reads no folder but its own. */
static const struct control_verb upload = { "config",      "upload", CONTROL_ROLE_VIEWER,
	                                    CONTROL_READS, "NAME",   "Sends a piece of a document." };

bool verb_row_named(struct slice method, struct verb_row *out)
{
	enum control_verb_id id = control_verb_named(method);

	if (slice_equal(method, SLICE("config.upload"))) {
		*out = (struct verb_row){ &upload, "text last", verb_run_CONFIG_UPLOAD };
		return true;
	}
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].id == id) {
			*out = (struct verb_row){ control_verb(id), extras_of(id), known[i].run };
			return true;
		}
	return false;
}

/* Those that take what was staged, or what waits, are not staged themselves. */
static bool may_be_staged(enum control_verb_id id)
{
	return control_verb(id)->effect == CONTROL_CHANGES && id != CONTROL_VERB_PUBLISH &&
	       id != CONTROL_VERB_REVERT;
}

/* The verbs of a session: those it may call, or (`stages`) those it may call only to stage what they do. */
static void put_names(struct json_writer *w, const char *key, control_roles roles, bool is_read_only,
                      bool stages)
{
	json_open_array(w, key);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const struct control_verb *verb = control_verb(known[i].id);
		bool may_call = control_roles_have(roles, verb->role);
		bool may_stage = !may_call && control_roles_have(roles, CONTROL_ROLE_EDITOR) &&
		                 may_be_staged(known[i].id);
		struct buffer name;

		if (!(stages ? may_stage : may_call) ||
		    (is_read_only && !control_effect_is_reading(verb->effect)))
			continue;
		buffer_start(&name, 64);
		control_verb_method(verb, &name);
		json_put_slice(w, NULL, buffer_slice(&name));
		buffer_stop(&name);
	}
	json_close_array(w);
}

void verb_run_HELLO(struct call *call)
{
	struct keeper *k = call->keeper;
	struct slice mode = call_text(call, "mode");
	bool is_read_only = slice_equal(mode, SLICE("ro"));
	char roles[CONTROL_ROLES_TEXT_BYTES];
	struct json_writer *w;

	if (json_as_number(json_get(call->params, "protocol"), 0) != CONTROL_PROTOCOL) {
		call_fail(call, CONTROL_USAGE, "this daemon speaks protocol %d; the client asks for another",
		          CONTROL_PROTOCOL);
		return;
	}
	if (mode.len && !is_read_only && !slice_equal(mode, SLICE("rw"))) {
		call_fail(call, CONTROL_USAGE, "mode is rw or ro");
		return;
	}
	call->session->has_greeted = true;
	who_claim_address(&call->session->who, call_text(call, "from"));
	call->session->is_read_only |= is_read_only; /* never widened again */
	is_read_only = call->session->is_read_only;
	w = call_open(call);
	json_put_number(w, "protocol", CONTROL_PROTOCOL);
	json_put_text(w, "server", KEEPER_SERVER);
	json_put_slice(w, "node", keeper_node(k));
	json_put_text(w, "user", call->who.name);
	json_put_text(w, "role", control_roles_text(call->who.roles, roles));
	json_put_text(w, "mode", is_read_only ? "ro" : "rw");
	json_put_number(w, "version", (int64_t)k->now.version.number);
	put_names(w, "verbs", call->who.roles, is_read_only, false);
	put_names(w, "stages", call->who.roles, is_read_only, true);
	call_close(call);
}
