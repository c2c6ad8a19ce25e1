#include "daemon/keeper/roles.h"

enum control_role role_of(const struct role_facts *facts)
{
	bool is_admin = facts->uid == 0 || facts->uid == facts->own_uid;

	if (facts->has_admin_group) {
		is_admin |= facts->gid == facts->admin_gid;
		for (size_t i = 0; i < facts->group_count; i++)
			is_admin |= facts->groups[i] == facts->admin_gid;
	}
	return is_admin ? CONTROL_ROLE_ADMINISTRATOR : CONTROL_ROLE_VIEWER;
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
		if (json_kind(value) != JSON_KIND_TEXT || json_as_slice(value).len == 0) {
			fail(reason, RESULT_INVALID, "the parameter \"%s\" is needed, as text",
			     argument.name);
			return CONTROL_USAGE;
		}
	}
	return CONTROL_OK;
}

enum control_code role_admit(const struct admission *how, const struct control_verb *verb,
                             const struct json *params, struct reason *reason)
{
	if (!verb) {
		fail(reason, RESULT_NOT_FOUND, "there is no such verb");
		return CONTROL_UNKNOWN_VERB;
	}
	if (!how->has_greeted && verb != control_verb(CONTROL_VERB_HELLO)) {
		fail(reason, RESULT_INVALID, "the first call of a session is hello");
		return CONTROL_USAGE;
	}
	if (how->role < verb->role) {
		fail(reason, RESULT_DENIED, "this needs the role %s; yours is %s",
		     control_role_name(verb->role), control_role_name(how->role));
		return CONTROL_DENIED;
	}
	if (how->is_read_only && !control_effect_is_reading(verb->effect)) {
		fail(reason, RESULT_DENIED, "this session was opened for reading only");
		return CONTROL_DENIED;
	}
	return check_params(verb, how->extras, params, reason);
}
