/* Roles as data, and sets of them. */
#include <stdio.h>

#include "shared/control/control.h"

_Static_assert(CONTROL_ROLE_COUNT <= 32, "a set of roles is a word of 32 bits");

static const struct {
	const char *name, *includes, *sentence;
} rows[] = {
#define ROLE(id, name, includes, lync, sentence) { name, includes, sentence },
#include "shared/control/roles.def"
#undef ROLE
};

const char *control_role_name(enum control_role role)
{
	return role < CONTROL_ROLE_COUNT ? rows[role].name : "none";
}

const char *control_role_sentence(enum control_role role)
{
	return role < CONTROL_ROLE_COUNT ? rows[role].sentence : "";
}

enum control_role control_role_named(struct slice name)
{
	enum control_role role = 0;

	while (role < CONTROL_ROLE_COUNT && !slice_equal(name, slice_of(rows[role].name)))
		role++;
	return role;
}

/* Every row names all it includes, also by way of another (a test says so): one step is the whole way. */
control_roles control_roles_of(enum control_role role)
{
	control_roles all = 0;
	struct slice rest, one;

	if (role >= CONTROL_ROLE_COUNT)
		return 0;
	all = (control_roles)1 << role;
	rest = slice_of(rows[role].includes);
	while (slice_next(&rest, ' ', &one))
		if (one.len)
			all |= (control_roles)1 << control_role_named(one);
	return all;
}

static bool is_included(control_roles roles, enum control_role role)
{
	for (enum control_role other = 0; other < CONTROL_ROLE_COUNT; other++)
		if (other != role && control_roles_have(roles, other) &&
		    control_roles_have(control_roles_of(other), role))
			return true;
	return false;
}

const char *control_roles_text(control_roles roles, char to[CONTROL_ROLES_TEXT_BYTES])
{
	size_t used = 0;

	to[0] = '\0';
	for (enum control_role role = 0; role < CONTROL_ROLE_COUNT && used < CONTROL_ROLES_TEXT_BYTES; role++)
		if (control_roles_have(roles, role) && !is_included(roles, role))
			used += (size_t)snprintf(to + used, CONTROL_ROLES_TEXT_BYTES - used, "%s%s",
			                         used ? " " : "", rows[role].name);
	if (!used)
		snprintf(to, CONTROL_ROLES_TEXT_BYTES, "none");
	return to;
}
