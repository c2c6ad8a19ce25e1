/*
 * state: what must outlive the process: subscriptions and their dialogs, in one
 * SQLite file.  One table: a row has a kind, a key and a tag.
 *
 * What changes is kept here until a commit has brought it to the disk, so a disk
 * that takes nothing for a while loses nothing: the next commit tries again.  A
 * row that changes often waits once.  Where more changes than is kept here, or
 * memory lacks, the next commit writes all rows anew, as the owner gives them.
 * Whoever promises something waits for the commit (talks_when_durable).
 */
#ifndef DAEMON_GATEWAY_STATE_H
#define DAEMON_GATEWAY_STATE_H

#include "daemon/gateway/dialog.h"
#include "shared/base/result.h"
#include "shared/base/siphash.h"

enum state_kind {
	STATE_WATCHING,
	STATE_WATCHED,
	STATE_NOTIFY,
	STATE_FIRST, /* of a gateway of before, to be handed over (heirloom.c); nobody writes it anew */
};
enum {
	STATE_VERSION = 2,
	STATE_CHANGES_MAX = 65536, /* rows that wait for a commit; beyond that all are written anew */
	STATE_CHANGES_BYTES_MAX = 32 * 1024 * 1024,
};

struct state_row {
	enum state_kind kind;
	struct slice key; /* the pair */
	struct slice tag; /* of a dialog where a pair has several; else empty */
	int state;
	struct dialog dialog; /* block NULL: none */
	struct slice
	        event; /* the Event header of a SUBSCRIBE, its id with it (RFC 6665 §8.2.1); empty: presence */
	int64_t until_ms; /* by the wall clock */
};

struct state;
/*
 * Opens or makes the file.  INVALID: a later version than this program knows, or
 * not a database; IO.  NULL path: in memory, for tests.
 */
enum result state_open(const char *path, struct siphash_key seed, struct state **out, struct reason *reason);
void state_close(struct state **state); /* commits, by what waits alone: the owner may be half gone */
/* Calls back for the rows of a kind, by until_ms, `most` at most (0: all); its slices live during the call. */
enum result state_each(struct state *state, enum state_kind kind, size_t most,
                       void (*each)(void *to, const struct state_row *row), void *to, struct reason *reason);
/* From now on a commit may ask for every row that there is to be: `all` gives each to state_put. */
void state_written_by(struct state *state, void (*all)(void *owner), void *owner);
/* `state` NULL: nothing survives.  What is put here is durable once a commit has worked. */
void state_put(struct state *state, const struct state_row *row);
void state_remove(struct state *state, enum state_kind kind, struct slice key, struct slice tag);
bool state_is_dirty(const struct state *state);
/* Goes up with each put and remove: whether something has changed meanwhile. */
uint64_t state_changes(const struct state *state);
/* All that waits, in one transaction, or nothing: then it goes on waiting.  IO, NO_MEMORY. */
enum result state_commit(struct state *state, struct reason *reason);

#endif
