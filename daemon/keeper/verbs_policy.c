/*
 * External access policies by their scopes: listed with who has them, made, removed; and sites, which policies belong to.
 */
#include "daemon/keeper/parts.h"

/* ---- who has them ---- */

enum policy_scope policy_scope_of(struct slice identity)
{
	if (slice_equal(identity, SLICE(MODEL_POLICY_GLOBAL)))
		return POLICY_SCOPE_GLOBAL;
	return slice_starts(identity, SLICE(MODEL_POLICY_SITE)) ? POLICY_SCOPE_SITE : POLICY_SCOPE_USER;
}

/* The listed users for whom it is the one that holds. */
static int64_t users_of(const struct view *view, struct slice identity)
{
	const struct model_objects *users = &view->snapshot->kinds[MODEL_USER];
	bool is_granted = policy_scope_of(identity) == POLICY_SCOPE_USER;
	struct policy_effective effective;
	int64_t count = 0;

	for (size_t i = 0; i < users->count; i++) {
		const struct model_object *user = users->items[i];
		struct slice granted = user->values[MODEL_FIELD(user, policy)].text;

		if (is_granted || granted.len) { /* a grant decides by itself */
			count += slice_equal(granted, identity);
			continue;
		}
		user_effective(view, model_object_key(user), &effective);
		count += slice_equal(effective.identity, identity);
	}
	return count;
}

void policy_put_beside(struct json_writer *w, const struct view *view, const struct model_object *policy,
                       const struct json *live)
{
	(void)live;
	json_put_text(w, "scope", policy_scope_name(policy_scope_of(model_object_key(policy))));
	json_put_number(w, "users", users_of(view, model_object_key(policy)));
}

/* ---- removed ---- */

/* Global is there always: taken away, it is as it was at first. */
static bool reset(struct model_snapshot *copy, struct model_object *policy)
{
	const struct model_object *defaults = model_object_new(&copy->arena, policy->kind);

	for (size_t i = 0; defaults && i < policy->kind->field_count; i++)
		if (i != policy->kind->key)
			policy->values[i] = defaults->values[i];
	return defaults != NULL;
}

/* Empties the text `field` of every user who has `text` there. */
static void take_from_users(struct model_snapshot *copy, size_t field, struct slice text)
{
	const struct model_objects *users = &copy->kinds[MODEL_USER];

	for (size_t i = 0; i < users->count; i++)
		if (slice_equal(users->items[i]->values[field].text, text))
			users->items[i]->values[field].text = SLICE("");
}

/* Users to whom it is granted fall back to that of their site, or Global: all in the same version. */
void verb_run_POLICY_REMOVE(struct call *call)
{
	struct model_snapshot *copy;
	struct model_object *policy;

	if (!call_key(call, "identity", MODEL_ACCESS_POLICY) || !(copy = change_begin(call)))
		return;
	policy = model_snapshot_find(copy, MODEL_ACCESS_POLICY, call->key);
	if (!policy) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_NOT_FOUND, "there is no access-policy %.*s", SLICE_ARG(call->key));
		return;
	}
	if (policy_scope_of(call->key) == POLICY_SCOPE_GLOBAL) {
		if (!reset(copy, policy)) {
			model_snapshot_free(&copy);
			call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
			return;
		}
	} else {
		model_snapshot_remove(copy, MODEL_ACCESS_POLICY, call->key);
		take_from_users(copy, MODEL_FIELD(user, policy), call->key);
	}
	change_end(call, copy);
}

/* Its policy goes with it, and its users belong to no site. */
void verb_run_SITE_REMOVE(struct call *call)
{
	struct model_snapshot *copy;
	struct slice identity;

	if (!call_key(call, "name", MODEL_SITE) || !(copy = change_begin(call)))
		return;
	if (model_snapshot_remove(copy, MODEL_SITE, call->key) != RESULT_OK) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_NOT_FOUND, "there is no site %.*s", SLICE_ARG(call->key));
		return;
	}
	identity = slice_of(arena_printf(&call->arena, MODEL_POLICY_SITE "%.*s", SLICE_ARG(call->key)));
	if (!identity.ptr) {
		model_snapshot_free(&copy);
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return;
	}
	model_snapshot_remove(copy, MODEL_ACCESS_POLICY, identity); /* none: it had no policy */
	take_from_users(copy, MODEL_FIELD(user, site), call->key);
	change_end(call, copy);
}
