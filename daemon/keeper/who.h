/*
 * who: who is behind a client of the control socket.
 *
 * uid, gid and groups are the kernel's word and decide what it may do; the login user behind sudo or su, and
 * where they logged in from, are for the audit only and decide nothing.
 */
#ifndef DAEMON_KEEPER_WHO_H
#define DAEMON_KEEPER_WHO_H

#include <sys/types.h>

#include "daemon/keeper/roles.h"

enum { CONTROL_GROUPS_MAX = 256 };

struct who {
	uid_t uid;
	pid_t pid;
	gid_t gid, groups[CONTROL_GROUPS_MAX]; /* as they were when it connected */
	size_t group_count;
	control_roles roles;
	char name[64];    /* Unix user */
	char text[96];    /* "alice(1000)" */
	char login[64];   /* login user behind sudo or su; "" the same or unknown */
	char address[64]; /* where they logged in from; "" here or unknown. Both for the audit only */
};

void who_user_name(uid_t uid, char *to, size_t size);
void who_find_login(struct who *who);
void who_find_address(struct who *who);
/* What the client says of where it came from, taken when the system knew nothing; anything but an address is not. */
void who_claim_address(struct who *who, struct slice claim);
/* Of /proc/PID/stat: the parent, and the terminal's name ("pts/3"; "" none).  Pure. */
bool who_read_stat(struct slice stat, pid_t *parent, char line[32]);
struct utmpx;
/* Where the user of that terminal logged in from.  Pure. */
bool who_read_utmp(const struct utmpx *entries, size_t count, const char *line, char *to, size_t size);

/* Refusals that may still be written; see audited.c. */
struct denials {
	int64_t at_ms; /* mono */
	uint32_t tokens;
	uint64_t unwritten;
};

#endif
