/*
 * External access policies by their scopes: listed with who has them, made, removed; and sites, which policies belong to.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { POLICY_COUNTS_BYTES = 4 * 1024 * 1024 };

/* ---- who has them ---- */

enum policy_scope policy_scope_of(struct slice identity)
{
	if (slice_equal(identity, SLICE(MODEL_POLICY_GLOBAL)))
		return POLICY_SCOPE_GLOBAL;
	return slice_starts(identity, SLICE(MODEL_POLICY_SITE)) ? POLICY_SCOPE_SITE : POLICY_SCOPE_USER;
}

/* Of one policy: listed users for whom it is the one that holds, sites whose users have it unless they are granted another. */
struct tally {
	int64_t users, sites;
};

static size_t place_of(const struct model_objects *policies, struct slice identity)
{
	size_t low = 0, high = policies->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = slice_compare(model_object_key(policies->items[middle]), identity);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return policies->count;
}

static void count_users(const struct view *view, struct tally *tallies)
{
	const struct model_objects *users = &view->snapshot->kinds[MODEL_USER],
	                           *policies = &view->snapshot->kinds[MODEL_ACCESS_POLICY];
	struct policy_effective effective;

	for (size_t i = 0; i < users->count; i++) {
		struct slice identity = users->items[i]->values[MODEL_FIELD(user, policy)].text;
		size_t place;

		if (!identity.len) { /* else the grant decides by itself */
			user_effective(view, model_object_key(users->items[i]), &effective);
			identity = effective.identity;
		}
		place = place_of(policies, identity);
		if (place < policies->count)
			tallies[place].users++;
	}
}

/* A site has the policy of its name, or Global. */
static void count_sites(const struct view *view, struct tally *tallies)
{
	const struct model_objects *sites = &view->snapshot->kinds[MODEL_SITE],
	                           *policies = &view->snapshot->kinds[MODEL_ACCESS_POLICY];
	char identity[KEEPER_NAME_BYTES];

	for (size_t i = 0; i < sites->count; i++) {
		size_t place;

		snprintf(identity, sizeof identity, MODEL_POLICY_SITE "%.*s",
		         SLICE_ARG(model_object_key(sites->items[i])));
		place = place_of(policies, slice_of(identity));
		if (place == policies->count)
			place = place_of(policies, SLICE(MODEL_POLICY_GLOBAL));
		if (place < policies->count)
			tallies[place].sites++;
	}
}

/* One walk over the users for all policies; rows in the policies' order. */
bool policy_count(struct call *call, struct json **out)
{
	const struct model_objects *policies;
	struct tally *tallies;
	struct buffer text;
	struct json_writer w = json_write(&text);
	struct view view;

	*out = NULL;
	if (!view_of(call, &view))
		return false;
	policies = &view.snapshot->kinds[MODEL_ACCESS_POLICY];
	tallies = mem_new_array(policies->count ? policies->count : 1, sizeof *tallies);
	if (!tallies)
		return true; /* they are shown as none: no reason to show nothing */
	count_users(&view, tallies);
	count_sites(&view, tallies);
	buffer_start(&text, POLICY_COUNTS_BYTES);
	json_open_array(&w, NULL);
	for (size_t i = 0; i < policies->count; i++) {
		json_open_object(&w, NULL);
		json_put_slice(&w, "identity", model_object_key(policies->items[i]));
		json_put_number(&w, "users", tallies[i].users);
		json_put_number(&w, "sites", tallies[i].sites);
		json_close_object(&w);
	}
	json_close_array(&w);
	json_read(buffer_slice(&text), out, NULL);
	buffer_stop(&text);
	mem_free(tallies);
	return true;
}

void policy_put_beside(struct json_writer *w, const struct view *view, const struct model_object *policy,
                       const struct json *live)
{
	size_t place = place_of(&view->snapshot->kinds[MODEL_ACCESS_POLICY], model_object_key(policy));
	const struct json *counts = json_at(live, place);

	json_put_text(w, "scope", policy_scope_name(policy_scope_of(model_object_key(policy))));
	json_put_number(w, "users", json_as_number(json_get(counts, "users"), 0));
	json_put_number(w, "sites", json_as_number(json_get(counts, "sites"), 0));
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
