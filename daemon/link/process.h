/*
 * process: how a process of parleyd begins, and the rights it gives up before it reads a stranger's byte.
 *
 * The launcher starts every other process by fork and exec of /proc/self/exe,
 * with descriptor 3 as its link to the keeper (the keeper has none) and
 * descriptor 4 as its own channel to the launcher.  A process ends when that
 * channel does; signals of the terminal are the launcher's alone.
 */
#ifndef DAEMON_LINK_PROCESS_H
#define DAEMON_LINK_PROCESS_H

#include "shared/base/result.h"

enum { PROCESS_LINK_FD = 3, PROCESS_LAUNCHER_FD = 4 };

struct process_start {
	const char *name; /* "access" */
	int link;         /* to the keeper; -1 for the keeper itself */
	int launcher;
	bool is_verbose;
};

struct process_confinement {
	const char *user;       /* Unix user to become when started as root; "" stays what it is */
	const char *empty_root; /* directory to chroot into when started as root, root's own; NULL: none */
	const char *group;  /* one more group to keep (the keeper: the control socket's); NULL or "": none */
	bool may_stay_root; /* `user` may be root: for a keeper told so in host.xml */
};

/*
 * In this order: umask 077, signals of the terminal ignored, every descriptor above `last_fd` closed, not
 * dumpable, no core, no new privileges.  For every process, as its first act.
 */
enum result process_harden(int last_fd, struct reason *reason);
/*
 * Started as root: chroot, groups, group, user, then the capability bounding set and all others emptied; aborts when root
 * can be had back.  Started as another user: nothing to give up.  NOT_FOUND: there is no such user.  `is_inside` (may be NULL): the root is the
 * given one now.
 */
enum result process_confine(const struct process_confinement *how, bool *is_inside, struct reason *reason);

#endif
