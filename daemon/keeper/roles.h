/*
 * roles: who may do what.  Pure.
 */
#ifndef DAEMON_KEEPER_ROLES_H
#define DAEMON_KEEPER_ROLES_H

#include <sys/types.h>

#include "shared/base/json.h"
#include "shared/control/control.h"
#include "shared/model/snapshot.h"

/* What the kernel says of a client, and what is so on this machine. */
struct role_facts {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
	uid_t own_uid;
	gid_t admin_gid, socket_gid; /* socket_gid: the group that the socket belongs to */
	bool has_admin_group;        /* the group of host.xml exists */
	const struct role_grant *grants;
	size_t grant_count;
};
/* A row of role-grant whose member exists on this machine. */
struct role_grant {
	bool is_group;
	uint32_t id; /* uid or gid */
	control_roles roles;
};
/*
 * root, the daemon's own user and members of the admin group: administrator, whatever the rows say, so that
 * nobody can shut them out; others what their rows and their groups' rows give them together; members of the
 * socket's group at least viewer.  0: not to be let in.
 */
control_roles roles_of(const struct role_facts *facts);

struct admission {
	control_roles roles;
	bool is_read_only; /* the session said mode "ro" */
	bool has_greeted;
	const char *extras; /* names of params the verb takes beside its row's, blank-separated */
};
/* May this call be made, and are its params what the row says?  `verb` NULL: there is none.  CONTROL_OK or the code, with the reason. */
enum control_code role_admit(const struct admission *how, const struct control_verb *verb,
                             const struct json *params, struct reason *reason);
/*
 * May somebody with these roles publish what differs between the two?  Every changed object is asked for by its
 * kind, so that no way of changing many at once (staged changes, a return to an old version) goes round the verbs'
 * roles.  DENIED names the first that may not.
 */
enum result roles_permit_changes(control_roles roles, const struct model_snapshot *before,
                                 const struct model_snapshot *after, struct reason *reason);

#endif
