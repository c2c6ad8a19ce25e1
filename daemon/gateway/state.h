/*
 * state: what must outlive the process: subscriptions, their dialogs, and who
 * wrote first, in one SQLite file.  One table: a row has a kind, a key and a tag.
 *
 * Writes gather in a transaction that the owner commits within TALKS_COMMIT_MS;
 * whoever promises something waits for that (talks_when_durable).
 */
#ifndef DAEMON_GATEWAY_STATE_H
#define DAEMON_GATEWAY_STATE_H

#include "daemon/gateway/dialog.h"
#include "shared/base/result.h"

enum state_kind { STATE_WATCHING, STATE_WATCHED, STATE_NOTIFY, STATE_FIRST };
enum { STATE_VERSION = 1 };

struct state_row {
	enum state_kind kind;
	struct slice key; /* the pair */
	struct slice tag; /* of a dialog where a pair has several; else empty */
	int state;
	struct dialog dialog; /* block NULL: none */
	int64_t until_ms;     /* by the wall clock */
};

struct state;
/*
 * Opens or makes the file.  INVALID: a later version than this program knows, or
 * not a database; IO.  NULL path: in memory, for tests.
 */
enum result state_open(const char *path, struct state **out, struct reason *reason);
void state_close(struct state **state); /* commits */
/* Calls back for every row of a kind, by until_ms; its slices live during the call. */
enum result state_each(struct state *state, enum state_kind kind,
                       void (*each)(void *to, const struct state_row *row), void *to, struct reason *reason);
bool state_put(struct state *state, const struct state_row *row);
bool state_remove(struct state *state, enum state_kind kind, struct slice key, struct slice tag);
bool state_is_dirty(const struct state *state);
enum result state_commit(struct state *state, struct reason *reason);

#endif
