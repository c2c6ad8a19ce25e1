#include "daemon/keeper/roles.h"

enum { ROLE_DEFAULTS_BYTES = 1024 * 1024 };

static bool is_in(const struct role_facts *facts, gid_t gid)
{
	bool is_member = facts->gid == gid;

	for (size_t i = 0; i < facts->group_count; i++)
		is_member |= facts->groups[i] == gid;
	return is_member;
}

control_roles roles_of(const struct role_facts *facts)
{
	control_roles roles = 0;

	if (facts->uid == 0 || facts->uid == facts->own_uid ||
	    (facts->has_admin_group && is_in(facts, facts->admin_gid)))
		return control_roles_of(CONTROL_ROLE_ADMINISTRATOR);
	if (is_in(facts, facts->socket_gid))
		roles |= control_roles_of(CONTROL_ROLE_VIEWER);
	for (size_t i = 0; i < facts->grant_count; i++) {
		const struct role_grant *grant = &facts->grants[i];

		if (grant->is_group ? is_in(facts, grant->id) : facts->uid == grant->id)
			roles |= grant->roles;
	}
	return roles;
}

static bool is_listed(const char *names, struct slice name)
{
	struct slice rest = slice_of(names), one;

	while (slice_next(&rest, ' ', &one))
		if (one.len && slice_equal(one, name))
			return true;
	return false;
}

static bool is_taken(const struct control_verb *verb, const char *extras, struct slice name)
{
	struct control_argument argument;

	for (size_t i = 0; control_verb_argument(verb, i, &argument); i++)
		if (slice_equal(name, argument.is_fields ? SLICE("set") : slice_of(argument.name)))
			return true;
	return is_listed(control_effect_params(verb->effect), name) || is_listed(extras, name);
}

/* A misspelt member (say, "if_verison") must not be passed over in silence. */
static enum control_code check_params(const struct control_verb *verb, const char *extras,
                                      const struct json *params, struct reason *reason)
{
	struct control_argument argument;
	const struct json *value;
	struct slice name;

	for (size_t i = 0; json_member(params, i, &name, &value); i++)
		if (!is_taken(verb, extras, name)) {
			fail(reason, RESULT_INVALID, "there is no parameter \"%.*s\" here; %s%s",
			     SLICE_ARG(slice_first(name, name.len > 64 ? 64 : name.len)),
			     verb->arguments[0] ? "it takes: " : "it takes none", verb->arguments);
			return CONTROL_USAGE;
		}
	for (size_t i = 0; control_verb_argument(verb, i, &argument); i++) {
		if (!argument.is_required)
			continue;
		value = json_get(params, argument.name);
		if (i == 0 && verb->effect == CONTROL_CHANGES && json_kind(value) == JSON_KIND_ARRAY)
			continue; /* several at once */
		if (json_kind(value) != JSON_KIND_TEXT || json_as_slice(value).len == 0) {
			fail(reason, RESULT_INVALID, "the parameter \"%s\" is needed, as text",
			     argument.name);
			return CONTROL_USAGE;
		}
	}
	return CONTROL_OK;
}

static bool is_tried(const struct control_verb *verb, const struct json *params)
{
	return verb->effect == CONTROL_CHANGES && json_as_bool(json_get(params, "dry_run"), false);
}

/*
 * Staging a change asks nothing of the publisher's role: what is staged is asked for again when it is published.
 * A dry run changes nothing: whoever may look may ask what would be.
 */
static enum control_role needed_role(const struct control_verb *verb, const struct json *params)
{
	if (is_tried(verb, params))
		return CONTROL_ROLE_VIEWER;
	if (verb->effect == CONTROL_CHANGES && json_as_bool(json_get(params, "stage"), false))
		return CONTROL_ROLE_EDITOR;
	return verb->role;
}

enum control_code role_admit(const struct admission *how, const struct control_verb *verb,
                             const struct json *params, struct reason *reason)
{
	enum control_role needed = verb ? needed_role(verb, params) : CONTROL_ROLE_COUNT;

	if (!verb) {
		fail(reason, RESULT_NOT_FOUND, "there is no such verb");
		return CONTROL_UNKNOWN_VERB;
	}
	if (!how->has_greeted && verb != control_verb(CONTROL_VERB_HELLO)) {
		fail(reason, RESULT_INVALID, "the first call of a session is hello");
		return CONTROL_USAGE;
	}
	if (!control_roles_have(how->roles, needed)) {
		char roles[CONTROL_ROLES_TEXT_BYTES];

		fail(reason, RESULT_DENIED, "this needs the role %s; you have %s", control_role_name(needed),
		     control_roles_text(how->roles, roles));
		return CONTROL_DENIED;
	}
	if (how->is_read_only && !control_effect_is_reading(verb->effect) && !is_tried(verb, params)) {
		fail(reason, RESULT_DENIED, "this session was opened for reading only");
		return CONTROL_DENIED;
	}
	return check_params(verb, how->extras, params, reason);
}

struct permission {
	control_roles roles;
	struct reason *reason;
	bool is_refused;
	const struct model_object *defaults[MODEL_KIND_COUNT]; /* of kinds of which an object was added */
	struct arena arena;
};

static void ask_for_role(struct permission *permission, const struct model_change *change,
                         enum control_role needed)
{
	char has[CONTROL_ROLES_TEXT_BYTES];

	if (permission->is_refused || control_roles_have(permission->roles, needed))
		return;
	permission->is_refused = true;
	fail(permission->reason, RESULT_DENIED, "changing %s needs the role %s; you have %s",
	     change->kind->name, control_role_name(needed), control_roles_text(permission->roles, has));
}

/* Who adds an object sets those of its fields that are not at their defaults; one with none of them is the kind's. */
static void ask_for_added(struct permission *permission, const struct model_change *change)
{
	const struct model_kind *kind = change->kind;
	const struct model_object **defaults = &permission->defaults[kind->id];
	bool sets_any = false;

	if (!*defaults)
		*defaults = model_object_new(&permission->arena, kind);
	for (size_t i = 0; *defaults && i < kind->field_count; i++) {
		if (i == kind->key ||
		    model_value_equal(&kind->fields[i], &change->after->values[i], &(*defaults)->values[i]))
			continue;
		sets_any = true;
		ask_for_role(permission, change,
		             control_role_for_field(slice_of(kind->name), slice_of(kind->fields[i].name)));
	}
	if (!sets_any)
		ask_for_role(permission, change, control_role_for_kind(slice_of(kind->name)));
}

static void ask_for_change(void *to, const struct model_change *change)
{
	struct permission *permission = to;
	struct slice kind = slice_of(change->kind->name);

	if (permission->is_refused)
		return;
	if (change->what == MODEL_ADDED)
		ask_for_added(permission, change);
	else if (change->what == MODEL_REMOVED)
		ask_for_role(permission, change, control_role_for_kind(kind));
	else
		ask_for_role(
		        permission, change,
		        control_role_for_field(kind, slice_of(change->kind->fields[change->field].name)));
}

enum result roles_permit_changes(control_roles roles, const struct model_snapshot *before,
                                 const struct model_snapshot *after, struct reason *reason)
{
	struct permission permission = { .roles = roles, .reason = reason };

	arena_start(&permission.arena, ROLE_DEFAULTS_BYTES);
	model_snapshot_diff(before, after, ask_for_change, &permission);
	arena_stop(&permission.arena);
	return permission.is_refused ? RESULT_DENIED : RESULT_OK;
}
