/*
 * What the launcher's files share.  Seen only inside this folder.
 */
#ifndef DAEMON_LAUNCHER_LAUNCHER_PARTS_H
#define DAEMON_LAUNCHER_LAUNCHER_PARTS_H

#include <sys/types.h>

#include "daemon/launcher/launcher.h"
#include "shared/base/clock.h"

struct child {
	char name[LAUNCHER_NAME_BYTES];
	char user[LAUNCHER_USER_BYTES]; /* "": not told yet */
	enum launcher_phase phase;
	bool is_wanted, is_held;
	pid_t pid;   /* 0: none */
	int channel; /* ours to it; -1: none */
	uint32_t restarts;
	int32_t status;
	int64_t since_ms;                  /* wall */
	int64_t started_ms, next_start_ms; /* mono; next_start: BACKOFF */
	int64_t kill_at_ms;                /* mono; 0: nobody waits for its end */
	int64_t backoff_ms;
	bool was_killed;
};

/* Forks and executes this very program as `child`; `*link_end`: the other end of its link, the caller's. */
enum result child_start(struct child *child, const struct launcher_settings *settings, struct instant now,
                        int *link_end, struct reason *reason);
/* Its channel is closed, which it understands; whoever has not ended after `patience_ms` is killed by child_late. */
void child_end(struct child *child, struct instant now, int64_t patience_ms);
void child_late(struct child *child, struct instant now);
/* It has ended: BACKOFF while it is wanted, else STOPPED. */
void child_ended(struct child *child, int32_t status, struct instant now);
void child_state(const struct child *child, struct instant now, struct launcher_state *out);

/* A listening socket for SIP: own port, IPv6 alone where IPv6 is named. */
enum result launcher_listen(const struct address *address, int *fd, struct reason *reason);

#endif
