/*
 * roles: who may do what.  Pure.
 */
#ifndef DAEMON_KEEPER_ROLES_H
#define DAEMON_KEEPER_ROLES_H

#include <sys/types.h>

#include "shared/base/json.h"
#include "shared/control/control.h"

/* What the kernel says of a client, and what is so on this machine. */
struct role_facts {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
	uid_t own_uid;
	gid_t admin_gid;
	bool has_admin_group; /* the group of host.xml exists */
};
/* root, the daemon's own user and members of the admin group: administrator; whoever else could connect: viewer. */
enum control_role role_of(const struct role_facts *facts);

struct admission {
	enum control_role role;
	bool is_read_only; /* the session said mode "ro" */
	bool has_greeted;
	const char *extras; /* names of params the verb takes beside its row's, blank-separated */
};
/* May this call be made, and are its params what the row says?  `verb` NULL: there is none.  CONTROL_OK or the code, with the reason. */
enum control_code role_admit(const struct admission *how, const struct control_verb *verb,
                             const struct json *params, struct reason *reason);

#endif
