/*
 * launcher: the first process.  It binds listeners and starts and restarts the others; nothing else.
 *
 * Problem: the only process that may have root must be so small that it can be
 * read in one sitting, and must believe nobody.  It reads nothing but
 * fixed-size frames from the keeper, and signals.
 * Files in reading order:
 *   launcher.h           what it says and hears, as structs of fixed size
 *   launcher.c           the process: signals, frames, stopping
 *   launcher_child.c     one process: start, link, end
 *   launcher_backoff.c   how long a crashed process waits (pure)
 *   launcher_listen.c    a listening socket
 * Direction: keeper -> (want, bind) -> launcher -> (state, link, bound) -> keeper.
 */
#ifndef DAEMON_LAUNCHER_LAUNCHER_H
#define DAEMON_LAUNCHER_LAUNCHER_H

#include "daemon/io/address.h"

enum {
	LAUNCHER_NAME_BYTES = 24,
	LAUNCHER_USER_BYTES = 40,
	LAUNCHER_BACKOFF_FIRST_MS = 1000,
	LAUNCHER_BACKOFF_MAX_MS = 60 * 1000,
	LAUNCHER_LIFE_MS = 60 * 1000, /* who lived so long starts at the first back-off again */
	LAUNCHER_STOP_EXTRA_MS = 5000,
	LAUNCHER_BACKLOG = 1024,
};

/* What SERVICE_WANT's number says. */
enum {
	LAUNCHER_END = 0,
	LAUNCHER_RUN = 1,
	LAUNCHER_ENDS_ITSELF = 2,
	/*
	 * An administrator's word: held, a service is not started whatever else is wanted, until it is released.  The
	 * launcher keeps it, so that it outlasts a keeper, and ends with parleyd.
	 */
	LAUNCHER_HOLD = 3,
	LAUNCHER_RELEASE = 4
};

struct launcher_want {
	char service[LAUNCHER_NAME_BYTES];
	char user[LAUNCHER_USER_BYTES]; /* whom it becomes when the launcher is root; never root */
};

enum launcher_phase { LAUNCHER_STOPPED, LAUNCHER_RUNNING, LAUNCHER_BACKOFF, LAUNCHER_ENDING };

struct launcher_state {
	char service[LAUNCHER_NAME_BYTES];
	int32_t pid;           /* 0: none */
	uint32_t phase;        /* enum launcher_phase */
	uint32_t restarts;     /* since the launcher began */
	int32_t status;        /* as wait(2) gave it for the last end; -1: it has not ended yet */
	int64_t since_ms;      /* wall: in this phase */
	int64_t next_start_ms; /* wall: BACKOFF; else 0 */
	uint32_t is_held;
	uint32_t unused;
};

struct launcher_bind {
	uint32_t length; /* of the address */
	uint32_t unused;
	struct address address;
};

struct launcher_settings {
	const char *root; /* "" or a folder without a slash at its end */
	bool is_verbose;
};

/* Until SIGTERM or SIGINT and everything has ended. The process's exit code. */
int launcher_main(const struct launcher_settings *settings);

/* Pure: the wait before the next start. `previous_ms`: the last wait, 0: none. */
int64_t launcher_backoff(int64_t previous_ms, int64_t lived_ms);

enum { LAUNCHER_STATUS_BYTES = 64 };
/* A wait(2) status as words: "exit 3", "signal 9". */
const char *launcher_status_words(int32_t status, char to[LAUNCHER_STATUS_BYTES]);

#endif
