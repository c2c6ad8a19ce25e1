/*
 * Users: what holds for one of them and why, and policies granted to one or to many at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/keeper/filtering.h"
#include "shared/base/memory.h"

enum { USERS_NAMED_MAX = 4096 };

void user_effective(const struct view *view, struct slice address, struct policy_effective *out)
{
	size_t at = slice_find(address, '@');
	struct slice domain = at < address.len ? slice_after(address, at + 1) : SLICE("");

	policy_effective_of(view->image, slice_first(address, at), domain, out);
}

/* ---- what holds ---- */

static void put_effective(struct json_writer *w, const struct policy_effective *e)
{
	json_put_slice(w, "effective", e->identity);
	json_put_text(w, "scope", policy_scope_name(e->scope));
}

enum { USER_FLAGS = 4 };
static const char *const flag_names[USER_FLAGS] = { "federation", "xmpp", "remote", "public" };

static void read_flags(const struct policy_effective *e, bool is_on[USER_FLAGS])
{
	is_on[0] = e->policy && e->policy->enable_federation_access;
	is_on[1] = e->policy && e->policy->enable_xmpp_access;
	is_on[2] = e->policy && e->policy->enable_outside_access;
	is_on[3] = e->policy && e->policy->enable_public_cloud_access;
}

void user_put_beside(struct json_writer *w, const struct view *view, const struct model_object *user,
                     const struct json *live)
{
	struct policy_effective effective;
	bool is_on[USER_FLAGS];

	(void)live;
	user_effective(view, model_object_key(user), &effective);
	put_effective(w, &effective);
	read_flags(&effective, is_on);
	for (size_t i = 0; i < USER_FLAGS; i++)
		json_put_bool(w, flag_names[i], is_on[i]);
}

bool user_look_beside(const struct view *view, const struct model_object *user, const char *key,
                      struct filter_value *out)
{
	struct policy_effective effective;
	bool is_on[USER_FLAGS];
	size_t flag = 0;

	user_effective(view, model_object_key(user), &effective);
	*out = (struct filter_value){ .kind = FILTER_TEXT, .text = effective.identity };
	if (strcmp(key, "effective") == 0)
		return true;
	out->text = slice_of(policy_scope_name(effective.scope));
	if (strcmp(key, "scope") == 0)
		return true;
	read_flags(&effective, is_on);
	while (flag < USER_FLAGS && strcmp(key, flag_names[flag]) != 0)
		flag++;
	if (flag == USER_FLAGS)
		return false;
	*out = (struct filter_value){ .kind = FILTER_FLAG, .number = is_on[flag] };
	return true;
}

static bool any_edge_serves_remote_users(const struct view *view)
{
	const struct model_objects *edges = &view->snapshot->kinds[MODEL_EDGE];

	for (size_t i = 0; i < edges->count; i++)
		if (edges->items[i]->values[MODEL_FIELD(edge, remote_listen)].list.count)
			return true;
	return false;
}

/* Why a switch that is on does nothing; "" when it does what it says. */
static const char *hindrance(const struct view *view, const struct model_object *policy, size_t field)
{
	const struct model_value *edge = model_snapshot_one(view->snapshot, MODEL_ACCESS_EDGE)->values;

	if (field == MODEL_FIELD(access_policy, enable_outside_access))
		return !edge[MODEL_FIELD(access_edge, allow_outside_users)].flag
		               ? "access-edge allow-outside-users is off"
		       : !any_edge_serves_remote_users(view)
		               ? "no edge of the topology has a remote-listen address"
		               : "";
	if (field == MODEL_FIELD(access_policy, allow_anonymous_participants))
		return !edge[MODEL_FIELD(access_edge, allow_outside_users)].flag
		               ? "access-edge allow-outside-users is off"
		       : !edge[MODEL_FIELD(access_edge, allow_anonymous_users)].flag
		               ? "access-edge allow-anonymous-users is off"
		               : "";
	if (!edge[MODEL_FIELD(access_edge, allow_federated_users)].flag)
		return "access-edge allow-federated-users is off";
	if (field == MODEL_FIELD(access_policy, enable_xmpp_access) &&
	    !policy->values[MODEL_FIELD(access_policy, enable_federation_access)].flag)
		return "enable-federation-access of the same policy is off";
	if (field == MODEL_FIELD(access_policy, enable_public_cloud_audio_video_access) &&
	    !policy->values[MODEL_FIELD(access_policy, enable_public_cloud_access)].flag)
		return "enable-public-cloud-access of the same policy is off";
	return "";
}

static void put_flag(struct json_writer *w, const struct view *view, const struct model_object *policy,
                     size_t field)
{
	const struct model_field *row = &policy->kind->fields[field];
	bool is_on = policy->values[field].flag;

	json_open_object(w, NULL);
	json_put_text(w, "flag", row->name);
	json_put_bool(w, "on", is_on);
	json_put_slice(w, "policy", model_object_key(policy));
	json_put_text(w, "scope", policy_scope_name(policy_scope_of(model_object_key(policy))));
	json_put_bool(w, "is_default", is_on == slice_equal(slice_of(row->preset), SLICE("true")));
	json_put_text(w, "hindered", is_on ? hindrance(view, policy, field) : "");
	json_close_object(w);
}

static void put_flags(struct json_writer *w, const struct view *view, const struct policy_effective *e)
{
	const struct model_object *policy = model_snapshot_find(view->snapshot, MODEL_ACCESS_POLICY,
	                                                        e->identity);

	json_open_array(w, "flags");
	for (size_t i = 0; policy && i < policy->kind->field_count; i++)
		if (policy->kind->fields[i].type == MODEL_BOOL)
			put_flag(w, view, policy, i);
	json_close_array(w);
}

/* Also of who is listed nowhere: something holds for him. */
void verb_run_USER_SHOW(struct call *call)
{
	const struct model_object *user;
	struct policy_effective effective;
	struct json_writer *w;
	struct view view;
	struct slice domain;

	if (!call_key(call, "user", MODEL_USER) || !view_of(call, &view))
		return;
	domain = slice_after(call->key, slice_find(call->key, '@') + 1);
	if (!policy_image_is_own_domain(view.image, domain)) {
		call_fail(call, CONTROL_NOT_FOUND,
		          "%.*s is none of our users: %.*s is none of our SIP domains", SLICE_ARG(call->key),
		          SLICE_ARG(domain));
		return;
	}
	user = model_snapshot_find(view.snapshot, MODEL_USER, call->key);
	user_effective(&view, call->key, &effective);
	w = call_open(call);
	json_put_text(w, "kind", "user");
	json_put_slice(w, "key", call->key);
	json_put_bool(w, "listed", user != NULL);
	if (user)
		verb_put_fields(w, "fields", user);
	else
		json_put_null(w, "fields");
	put_effective(w, &effective);
	json_put_slice(w, "site",
	               effective.scope == POLICY_SCOPE_USER && user
	                       ? user->values[MODEL_FIELD(user, site)].text
	                       : effective.site);
	put_flags(w, &view, &effective);
	json_put_number(w, "version", (int64_t)view.version);
	call_close(call);
}

/* ---- whom a change is about ---- */

struct chosen {
	struct model_snapshot *copy;
	struct slice policy;         /* "" takes the grant away */
	struct model_object **fresh; /* users who were not listed */
	size_t fresh_count;
};

static void fail_address(struct call *call, const struct model_field *row, const char *why)
{
	struct buffer allowed;

	buffer_start(&allowed, 1024);
	model_allowed(row, &allowed);
	buffer_add_char(&allowed, '\0');
	call_fail_problem(call, CONTROL_INVALID, "users", why,
	                  allowed.is_broken ? "" : buffer_slice(&allowed).ptr);
	buffer_stop(&allowed);
}

/* False: the call has been failed. */
static bool set_named(struct call *call, struct chosen *c, struct slice address)
{
	const struct model_kind *kind = model_kind(MODEL_USER);
	struct model_value key = { .number = 0 };
	struct reason why = { "" };
	struct model_object *user;

	if (config_value_read(&kind->fields[kind->key], address, &c->copy->arena, &key, &why) != RESULT_OK) {
		fail_address(call, &kind->fields[kind->key], why.text);
		return false;
	}
	user = model_snapshot_find(c->copy, MODEL_USER, key.text);
	if (!user && c->policy.len == 0)
		return true; /* nothing was granted */
	if (!user &&
	    (c->fresh_count == USERS_NAMED_MAX || !(user = model_object_new(&c->copy->arena, kind)))) {
		call_fail(call, CONTROL_TOO_LARGE, "at most %d users can be named; import takes a file",
		          USERS_NAMED_MAX);
		return false;
	}
	if (!user->values[kind->key].text.len) {
		user->values[kind->key].text = key.text;
		c->fresh[c->fresh_count++] = user;
	}
	user->values[MODEL_FIELD(user, policy)].text = c->policy;
	return true;
}

static int by_key(const void *a, const void *b)
{
	return slice_compare(model_object_key(*(struct model_object *const *)a),
	                     model_object_key(*(struct model_object *const *)b));
}

static bool put_fresh(struct call *call, struct chosen *c)
{
	size_t kept = 0;

	if (c->fresh_count > 1)
		qsort(c->fresh, c->fresh_count, sizeof(struct model_object *), by_key);
	for (size_t i = 0; i < c->fresh_count; i++)
		if (!kept || by_key(&c->fresh[kept - 1], &c->fresh[i]) != 0)
			c->fresh[kept++] = c->fresh[i];
	if (model_snapshot_put_all(c->copy, MODEL_USER, c->fresh, kept) == RESULT_OK)
		return true;
	call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
	return false;
}

/* USERS: addresses with commas or blanks between. */
static bool set_all_named(struct call *call, struct chosen *c, struct slice users)
{
	c->fresh = mem_new_array(USERS_NAMED_MAX, sizeof(struct model_object *));
	if (!c->fresh) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		return false;
	}
	while (users.len) {
		size_t end = 0;

		while (end < users.len && !strchr(", \t\n", users.ptr[end]))
			end++;
		if (end && !set_named(call, c, slice_first(users, end)))
			return false;
		users = slice_after(users, end < users.len ? end + 1 : end);
	}
	return put_fresh(call, c);
}

/* Those that `user list` shows with that filter.  False: the call has been failed. */
static bool set_filtered(struct call *call, struct chosen *c)
{
	const struct model_objects *users = &c->copy->kinds[MODEL_USER];
	struct object_sieve sieve;
	struct view view;

	if (!view_of(call, &view) || !sieve_start(&sieve, call, &view, MODEL_USER, user_put_beside, NULL))
		return false;
	for (size_t i = 0; i < users->count; i++)
		if (sieve_shows(&sieve, users->items[i]))
			users->items[i]->values[MODEL_FIELD(user, policy)].text = c->policy;
	sieve_stop(&sieve);
	return true;
}

static void grant(struct call *call, struct slice policy)
{
	struct slice users = call_text(call, "users"), filter = call_text(call, "filter");
	struct chosen c = { .policy = SLICE("") };
	bool is_set = true;

	if ((users.len > 0) == (filter.len > 0)) {
		call_fail_problem(call, CONTROL_USAGE, "users", "say to whom",
		                  "addresses with commas between, or a filter of those listed");
		return;
	}
	if (!(c.copy = change_begin(call)))
		return;
	if (policy.len && !model_snapshot_find(c.copy, MODEL_ACCESS_POLICY, policy)) {
		call_fail(call, CONTROL_NOT_FOUND, "there is no access-policy %.*s", SLICE_ARG(policy));
		model_snapshot_free(&c.copy);
		return;
	}
	if (policy.len)
		c.policy = arena_copy(&c.copy->arena, policy);
	if (!c.policy.ptr) {
		call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		is_set = false;
	} else if (users.len) {
		is_set = set_all_named(call, &c, users);
	} else {
		is_set = set_filtered(call, &c);
	}
	mem_free(c.fresh);
	if (is_set) {
		call->key = users.len ? users : filter;
		change_end(call, c.copy);
	} else {
		model_snapshot_free(&c.copy);
	}
}

void verb_run_USER_GRANT(struct call *call) { grant(call, slice_trim(call_text(call, "policy"))); }
void verb_run_USER_UNGRANT(struct call *call) { grant(call, SLICE("")); }

/* ---- files ---- */

void verb_run_USER_IMPORT(struct call *call)
{
	struct session *session = call->session;
	const struct upload *list = session ? upload_whole(session, SLICE(KEEPER_USERS_FILE)) : NULL;
	struct config_problems *problems = mem_new(sizeof *problems);
	struct slice name = call_text(call, "file"); /* where the administrator has it */
	struct reason reason = { "" };
	struct model_snapshot *copy;
	enum result result;

	if (!problems || !list) {
		mem_free(problems);
		if (list)
			call_fail(call, CONTROL_UNAVAILABLE, "out of memory");
		else
			call_fail(call, CONTROL_USAGE, "no list was sent: upload it as %s first",
			          KEEPER_USERS_FILE);
		return;
	}
	if (!(copy = change_begin(call))) {
		mem_free(problems);
		return;
	}
	config_problems_start(problems);
	result = config_lines_read(model_kind(MODEL_USER), name.len ? name : slice_of(list->name),
	                           buffer_slice(&list->text), copy, problems);
	if (!call->change.comment[0])
		snprintf(call->change.comment, sizeof call->change.comment, "import of users");
	uploads_forget(session);
	if (result == RESULT_INVALID) {
		config_problems_reason(problems, &reason);
		call_fail_config(call, result, problems, &reason);
	} else if (result != RESULT_OK) {
		call_fail(call, control_code_of(result), "out of memory");
	}
	config_problems_stop(problems);
	mem_free(problems);
	if (result == RESULT_OK)
		change_end(call, copy);
	else
		model_snapshot_free(&copy);
}

/* As many lines as fit; the first piece begins with the names of the columns. */
void verb_run_USER_EXPORT(struct call *call)
{
	struct slice after = call_text(call, "after"), last = SLICE_NONE;
	const struct model_objects *users;
	size_t from;
	struct object_sieve sieve;
	struct json_writer *w;
	struct buffer text;
	bool has_more = false;
	int64_t count = 0;
	struct view view;

	if (!view_of(call, &view) || !sieve_start(&sieve, call, &view, MODEL_USER, user_put_beside, NULL))
		return;
	buffer_start(&text, CONTROL_PIECE_MAX);
	if (after.len == 0)
		config_lines_head(model_kind(MODEL_USER), &text);
	users = &view.snapshot->kinds[MODEL_USER];
	from = objects_after(users, after);
	for (size_t i = from; i < users->count && !has_more; i++) {
		const struct model_object *user = users->items[i];

		last = model_object_key(user);
		if (sieve_shows(&sieve, user)) {
			config_lines_write(user, &text);
			count++;
		}
		has_more = buffer_length(&text) > CONTROL_PIECE_MAX / 4 * 3 || /* a line is shorter */
		           i - from == OBJECTS_LOOKED_MAX - 1;
	}
	sieve_stop(&sieve);
	w = call_open(call);
	json_put_slice(w, "text", buffer_slice(&text));
	json_put_number(w, "count", count);
	if (has_more)
		json_put_slice(w, "next", last);
	else
		json_put_null(w, "next");
	json_put_number(w, "version", (int64_t)view.version);
	call_close(call);
	buffer_stop(&text);
}
