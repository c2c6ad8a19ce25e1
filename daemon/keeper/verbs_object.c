/*
 * Verbs that do the same for objects of any kind: show, add, set, remove, and turn a switch of theirs; list is object_list.c.
 *
 * A row of verbs.def becomes one of these by a line at the end of this file; the argument that names the
 * object is the row's first.
 */
#include "daemon/keeper/parts.h"
#include "shared/model/notice.h"
#include "shared/model/xmpp_security.h"

/* The row's first argument read as the key of that kind, into call->key.  False: the call has been failed. */
static bool key_of_first(struct call *call, enum model_kind_id kind)
{
	struct control_argument argument;

	return control_verb_argument(call->row.verb, 0, &argument) && call_key(call, argument.name, kind);
}

static void fail_absent(struct call *call, enum model_kind_id kind)
{
	call_fail(call, CONTROL_NOT_FOUND, "there is no %s %.*s", model_kind(kind)->name,
	          SLICE_ARG(call->key));
}

/* ---- show ---- */

static void put_shown(struct json_writer *w, const struct view *view, const struct model_object *object,
                      put_beside *beside, const struct json *live)
{
	json_put_text(w, "kind", object->kind->name);
	json_put_slice(w, "key", model_object_key(object));
	verb_put_fields(w, "fields", object);
	if (beside)
		beside(w, view, object, live);
}

static void show(struct call *call, const struct view *view, const struct model_object *object,
                 put_beside *beside, const struct json *live)
{
	struct json_writer *w = call_open(call);

	put_shown(w, view, object, beside, live);
	json_put_number(w, "version", (int64_t)view->version);
	call_close(call);
}

static void show_key(struct call *call, enum model_kind_id kind, struct slice key, put_beside *beside,
                     const struct json *live)
{
	const struct model_object *object;
	struct view view;

	call->key = key;
	if (!view_of(call, &view))
		return;
	object = model_snapshot_find(view.snapshot, kind, call->key);
	if (object)
		show(call, &view, object, beside, live);
	else
		fail_absent(call, kind);
}

static void object_show(struct call *call, enum model_kind_id kind, put_beside *beside,
                        const struct json *live)
{
	if (key_of_first(call, kind))
		show_key(call, kind, call->key, beside, live);
}

static void one_show(struct call *call, enum model_kind_id kind)
{
	struct view view;

	if (view_of(call, &view))
		show(call, &view, model_snapshot_one(view.snapshot, kind), NULL, NULL);
}

/* ---- change ---- */

/* Takes `copy`; `object` NULL: the call has been failed. */
static void end_with_fields(struct call *call, struct model_snapshot *copy, struct model_object *object)
{
	if (object && change_fields(call, copy, object))
		change_end(call, copy);
	else
		model_snapshot_free(&copy);
}

static void object_add(struct call *call, enum model_kind_id kind)
{
	struct model_snapshot *copy;

	if (!key_of_first(call, kind) || !(copy = change_begin(call)))
		return;
	if (model_snapshot_find(copy, kind, call->key)) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_EXISTS, "there is a %s %.*s already; set changes it",
		          model_kind(kind)->name, SLICE_ARG(call->key));
		return;
	}
	end_with_fields(call, copy, change_entry(call, copy, kind));
}

/* The object of call->key in `copy`; NULL: the call has been failed. */
static struct model_object *present(struct call *call, struct model_snapshot *copy, enum model_kind_id kind)
{
	struct model_object *object = model_snapshot_find(copy, kind, call->key);

	if (!object)
		fail_absent(call, kind);
	return object;
}

static void object_set(struct call *call, enum model_kind_id kind)
{
	struct model_snapshot *copy;

	if (key_of_first(call, kind) && (copy = change_begin(call)))
		end_with_fields(call, copy, present(call, copy, kind));
}

static void one_set(struct call *call, enum model_kind_id kind)
{
	struct model_snapshot *copy = change_begin(call);

	if (copy)
		end_with_fields(call, copy, model_snapshot_one(copy, kind));
}

static void object_remove(struct call *call, enum model_kind_id kind)
{
	struct model_snapshot *copy;

	if (!key_of_first(call, kind) || !(copy = change_begin(call)))
		return;
	if (model_snapshot_remove(copy, kind, call->key) == RESULT_OK) {
		change_end(call, copy);
		return;
	}
	model_snapshot_free(&copy);
	fail_absent(call, kind);
}

/* `field`: a BOOL of the kind. */
static void object_turn(struct call *call, enum model_kind_id kind, size_t field, bool is_on)
{
	struct model_snapshot *copy;
	struct model_object *object;

	if (!key_of_first(call, kind) || !(copy = change_begin(call)))
		return;
	if (!(object = present(call, copy, kind))) {
		model_snapshot_free(&copy);
		return;
	}
	object->values[field].flag = is_on;
	change_end(call, copy);
}

/* ---- what the kinds add ---- */

static bool is_domain_of(const struct model_object *partner, struct slice domain)
{
	const struct model_list *further = &partner->values[MODEL_FIELD(xmpp_partner, additional_domains)]
	                                            .list;

	if (slice_equal(model_object_key(partner), domain))
		return true;
	for (size_t i = 0; i < further->count; i++)
		if (slice_equal(further->items[i], domain))
			return true;
	return false;
}

/* The first of its domains that the block list names; empty: none.  `is_reachable`: there is another one. */
static struct slice blocked_of(const struct view *view, const struct model_object *partner,
                               bool *is_reachable)
{
	const struct model_list *further = &partner->values[MODEL_FIELD(xmpp_partner, additional_domains)]
	                                            .list;
	struct slice found = SLICE("");

	*is_reachable = false;
	for (size_t i = 0; i <= further->count; i++) {
		struct slice domain = i ? further->items[i - 1] : model_object_key(partner);

		if (!model_snapshot_find(view->snapshot, MODEL_BLOCKED_DOMAIN, domain))
			*is_reachable = true;
		else if (!found.len)
			found = domain;
	}
	return found;
}

/* The best of what leads to its domains, and the last thing that went wrong there. */
static void put_xmpp_live(struct json_writer *w, const struct view *view, const struct model_object *partner,
                          const struct json *live)
{
	static const char *const states[] = { "up", "connecting", "back-off", "failed", "idle" };
	bool is_on = partner->values[MODEL_FIELD(xmpp_partner, enabled)].flag, is_reachable;
	struct slice blocked = blocked_of(view, partner, &is_reachable);
	size_t best = sizeof states / sizeof *states;
	int64_t streams = 0, waiting = 0, next_try_s = 0, error_at = 0, error_in_at = 0;
	struct slice error = SLICE(""), error_in = SLICE("");

	for (size_t i = 0; i < json_count(live); i++) {
		const struct json *row = json_at(live, i);
		int64_t try_s = json_as_number(json_get(row, "next_try_s"), 0);
		int64_t at = json_as_number(json_get(row, "last_error_at"), 0);
		int64_t in_at = json_as_number(json_get(row, "last_error_in_at"), 0);

		if (!is_domain_of(partner, json_as_slice(json_get(row, "domain"))))
			continue;
		for (size_t s = 0; s < best; s++)
			if (slice_equal(json_as_slice(json_get(row, "state")), slice_of(states[s])))
				best = s;
		streams += json_as_number(json_get(row, "streams"), 0);
		waiting += json_as_number(json_get(row, "waiting"), 0);
		next_try_s = try_s && (!next_try_s || try_s < next_try_s) ? try_s : next_try_s;
		if (at > error_at) {
			error_at = at;
			error = json_as_slice(json_get(row, "last_error"));
		}
		if (in_at > error_in_at) {
			error_in_at = in_at;
			error_in = json_as_slice(json_get(row, "last_error_in"));
		}
	}
	json_put_text(w, "state",
	              !is_on                                  ? "off"
	              : !is_reachable                         ? "blocked"
	              : best < sizeof states / sizeof *states ? states[best]
	                                                      : "-");
	json_put_slice(w, "blocked", blocked);
	json_put_number(w, "streams", streams);
	json_put_number(w, "waiting", waiting);
	json_put_number(w, "next_try_s", next_try_s);
	json_put_slice(w, "last_error", error);
	json_put_number(w, "last_error_at", error_at);
	json_put_slice(w, "last_error_in", error_in);
	json_put_number(w, "last_error_in_at", error_in_at);
}

static void put_xmpp(struct json_writer *w, const struct view *view, const struct model_object *partner,
                     const struct json *live)
{
	static const char *const verdicts[] = { [XMPP_SECURITY_GOOD] = "good",
		                                [XMPP_SECURITY_DOUBTFUL] = "doubtful",
		                                [XMPP_SECURITY_INVALID] = "invalid" };
	const struct model_value *values = partner->values;
	const struct xmpp_security *security = xmpp_security(
	        values[MODEL_FIELD(xmpp_partner, tls_negotiation)].number,
	        values[MODEL_FIELD(xmpp_partner, sasl_negotiation)].number,
	        values[MODEL_FIELD(xmpp_partner, support_dialback_negotiation)].flag);

	json_put_text(w, "authentication", security->words);
	json_put_text(w, "verdict", verdicts[security->verdict]);
	json_put_text(w, "why", security->why);
	put_xmpp_live(w, view, partner, live);
}

/* What the Access Edge knows of it, and what is known against it. */
static void put_provider(struct json_writer *w, const struct view *view, const struct model_object *provider,
                         const struct json *live)
{
	bool is_on = provider->values[MODEL_FIELD(sip_provider, enabled)].flag;
	const struct model_notice *notice = model_notice(provider);
	const struct json *row = NULL;
	int64_t connections;

	(void)view;
	for (size_t i = 0; i < json_count(live) && !row; i++)
		if (slice_equal(json_as_slice(json_get(json_at(live, i), "identity")),
		                model_object_key(provider)))
			row = json_at(live, i);
	connections = json_as_number(json_get(row, "connections"), 0);
	json_put_text(w, "state", !is_on ? "off" : connections ? "up" : "-");
	json_put_number(w, "connections", connections);
	json_put_real(w, "rate", json_as_real(json_get(row, "rate"), 0));
	json_put_slice(w, "last_error", json_as_slice(json_get(row, "last_error")));
	json_put_number(w, "last_error_at", json_as_number(json_get(row, "last_error_at"), 0));
	json_put_text(w, "notice", notice ? notice->words : "");
	json_put_text(w, "ended", notice ? notice->ended : "");
}

/* ---- the verbs ---- */

static void provider_list(void *to, const struct json *live, const char *why)
{
	(void)why;
	object_list(to, MODEL_SIP_PROVIDER, put_provider, live);
}

static void provider_show(void *to, const struct json *live, const char *why)
{
	(void)why;
	object_show(to, MODEL_SIP_PROVIDER, put_provider, live);
}

void verb_run_PROVIDER_LIST(struct call *call)
{
	query_ask(&call->keeper->access, "providers", provider_list, call);
}
void verb_run_PROVIDER_SHOW(struct call *call)
{
	query_ask(&call->keeper->access, "providers", provider_show, call);
}
void verb_run_PROVIDER_ADD(struct call *call) { object_add(call, MODEL_SIP_PROVIDER); }
void verb_run_PROVIDER_SET(struct call *call) { object_set(call, MODEL_SIP_PROVIDER); }
void verb_run_PROVIDER_REMOVE(struct call *call) { object_remove(call, MODEL_SIP_PROVIDER); }
void verb_run_PROVIDER_ENABLE(struct call *call)
{
	object_turn(call, MODEL_SIP_PROVIDER, MODEL_FIELD(sip_provider, enabled), true);
}
void verb_run_PROVIDER_DISABLE(struct call *call)
{
	object_turn(call, MODEL_SIP_PROVIDER, MODEL_FIELD(sip_provider, enabled), false);
}

static void xmpp_list(void *to, const struct json *live, const char *why)
{
	(void)why; /* a gateway that does not run has no live rows; its state says so */
	object_list(to, MODEL_XMPP_PARTNER, put_xmpp, live);
}

static void xmpp_show(void *to, const struct json *live, const char *why)
{
	(void)why;
	object_show(to, MODEL_XMPP_PARTNER, put_xmpp, live);
}

void verb_run_XMPP_LIST(struct call *call) { query_ask(&call->keeper->gateway, "partners", xmpp_list, call); }
void verb_run_XMPP_SHOW(struct call *call) { query_ask(&call->keeper->gateway, "partners", xmpp_show, call); }
void verb_run_XMPP_ADD(struct call *call) { object_add(call, MODEL_XMPP_PARTNER); }
void verb_run_XMPP_SET(struct call *call) { object_set(call, MODEL_XMPP_PARTNER); }
void verb_run_XMPP_REMOVE(struct call *call) { object_remove(call, MODEL_XMPP_PARTNER); }
void verb_run_XMPP_ENABLE(struct call *call)
{
	object_turn(call, MODEL_XMPP_PARTNER, MODEL_FIELD(xmpp_partner, enabled), true);
}
void verb_run_XMPP_DISABLE(struct call *call)
{
	object_turn(call, MODEL_XMPP_PARTNER, MODEL_FIELD(xmpp_partner, enabled), false);
}
void verb_run_XMPP_GATEWAY_SHOW(struct call *call) { one_show(call, MODEL_XMPP_GATEWAY); }
void verb_run_XMPP_GATEWAY_SET(struct call *call) { one_set(call, MODEL_XMPP_GATEWAY); }
void verb_run_ACCESS_EDGE_SHOW(struct call *call) { one_show(call, MODEL_ACCESS_EDGE); }
void verb_run_ACCESS_EDGE_SET(struct call *call) { one_set(call, MODEL_ACCESS_EDGE); }
void verb_run_POLICY_LIST(struct call *call)
{
	struct json *counts;

	if (!policy_count(call, &counts))
		return;
	object_list(call, MODEL_ACCESS_POLICY, policy_put_beside, counts);
	json_free(&counts);
}
void verb_run_POLICY_SHOW(struct call *call)
{
	struct json *counts;

	if (!policy_count(call, &counts))
		return;
	if (call_text(call, "identity").len)
		object_show(call, MODEL_ACCESS_POLICY, policy_put_beside, counts);
	else
		show_key(call, MODEL_ACCESS_POLICY, SLICE(MODEL_POLICY_GLOBAL), policy_put_beside, counts);
	json_free(&counts);
}
void verb_run_POLICY_NEW(struct call *call) { object_add(call, MODEL_ACCESS_POLICY); }
void verb_run_POLICY_SET(struct call *call) { object_set(call, MODEL_ACCESS_POLICY); }
void verb_run_SITE_LIST(struct call *call) { object_list(call, MODEL_SITE, NULL, NULL); }
void verb_run_SITE_SHOW(struct call *call) { object_show(call, MODEL_SITE, NULL, NULL); }
void verb_run_SITE_NEW(struct call *call) { object_add(call, MODEL_SITE); }
void verb_run_SITE_SET(struct call *call) { object_set(call, MODEL_SITE); }
void verb_run_USER_LIST(struct call *call) { object_list(call, MODEL_USER, user_put_beside, NULL); }
void verb_run_USER_ADD(struct call *call) { object_add(call, MODEL_USER); }
void verb_run_USER_SET(struct call *call) { object_set(call, MODEL_USER); }
void verb_run_USER_REMOVE(struct call *call) { object_remove(call, MODEL_USER); }

/* ---- kinds of which nothing is known beside their fields ---- */

#define PLAIN_KIND(VERB, KIND)                                                                               \
	void verb_run_##VERB##_LIST(struct call *call) { object_list(call, MODEL_##KIND, NULL, NULL); }      \
	void verb_run_##VERB##_SHOW(struct call *call) { object_show(call, MODEL_##KIND, NULL, NULL); }      \
	void verb_run_##VERB##_NEW(struct call *call) { object_add(call, MODEL_##KIND); }                    \
	void verb_run_##VERB##_SET(struct call *call) { object_set(call, MODEL_##KIND); }                    \
	void verb_run_##VERB##_REMOVE(struct call *call) { object_remove(call, MODEL_##KIND); }

PLAIN_KIND(EDGE_POOL, EDGE_POOL)
PLAIN_KIND(EDGE, EDGE)
PLAIN_KIND(POOL, POOL)
PLAIN_KIND(POOL_MEMBER, POOL_MEMBER)
PLAIN_KIND(XMPP_NAME, XMPP_NAME)
void verb_run_TOPOLOGY_SET(struct call *call) { one_set(call, MODEL_TOPOLOGY); }
void verb_run_CONFERENCE_LIST(struct call *call) { object_list(call, MODEL_CONFERENCE, NULL, NULL); }
void verb_run_CONFERENCE_SHOW(struct call *call) { object_show(call, MODEL_CONFERENCE, NULL, NULL); }
void verb_run_CONFERENCE_ADD(struct call *call) { object_add(call, MODEL_CONFERENCE); }
void verb_run_CONFERENCE_SET(struct call *call) { object_set(call, MODEL_CONFERENCE); }
void verb_run_CONFERENCE_REMOVE(struct call *call) { object_remove(call, MODEL_CONFERENCE); }
