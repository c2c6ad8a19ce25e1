/* state: the one file that touches SQLite. */
#include "daemon/gateway/state.h"

#include <sqlite3.h>

#include "shared/base/list.h"
#include "shared/base/map.h"
#include "shared/base/memory.h"

enum { UNTIL = 12, EVENT = 13 /* columns, from 1 */ };

#define CHANGE_OF(at) LIST_OWNER(at, struct change, node)

/* A row that waits for a commit; its bytes lie behind it. */
struct change {
	struct list node;
	struct slice name;
	struct state_row row;
	size_t bytes;
	bool is_removal;
};

struct state {
	sqlite3 *database;
	sqlite3_stmt *put, *remove;
	struct map changes; /* by name */
	struct list change_list;
	size_t change_bytes;
	uint64_t change_count;
	bool writes_all; /* what waits is more than is kept here: the next commit writes every row */
	bool is_writing_all, has_failed; /* ... and is doing so; one of them was not taken */
	void (*all)(void *owner);
	void *owner;
};

static struct slice laid(char **at, struct slice text)
{
	struct slice copy = { *at, text.len };

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

static void change_free(struct state *s, struct change *change)
{
	if (!change)
		return;
	map_remove(&s->changes, change->name);
	list_remove(&change->node);
	s->change_bytes -= change->bytes;
	mem_free(change);
}

static void forget_changes(struct state *s)
{
	LIST_EACH_SAFE (at, &s->change_list)
		change_free(s, CHANGE_OF(at));
	s->writes_all = false;
}

static enum result failed(struct state *s, struct reason *reason, const char *what)
{
	return fail(reason, RESULT_IO, "the gateway's state: %s: %s", what,
	            s->database ? sqlite3_errmsg(s->database) : "out of memory");
}

/* ---- schema ---- */

/* Version 1, and what each later one adds.  A later program adds its own step below and raises STATE_VERSION. */
static const char *const schema =
        "CREATE TABLE row(kind INTEGER NOT NULL, key BLOB NOT NULL, tag BLOB NOT NULL, state INTEGER NOT "
        "NULL,"
        " call_id BLOB, local BLOB, remote BLOB, target BLOB, routes BLOB, local_cseq INTEGER NOT NULL,"
        " remote_cseq INTEGER NOT NULL, until_ms INTEGER NOT NULL, PRIMARY KEY(kind, key, tag)) WITHOUT "
        "ROWID;"
        "PRAGMA user_version=1;";

static const char *const schema_2 =
        "BEGIN IMMEDIATE;ALTER TABLE row ADD COLUMN event BLOB;PRAGMA user_version=2;COMMIT;";

static int version_of(struct state *s)
{
	sqlite3_stmt *question = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(s->database, "PRAGMA user_version", -1, &question, NULL) == SQLITE_OK &&
	    sqlite3_step(question) == SQLITE_ROW)
		version = sqlite3_column_int(question, 0);
	sqlite3_finalize(question);
	return version;
}

static enum result prepare(struct state *s, struct reason *reason)
{
	int version;

	/* One process owns it; every commit reaches the disk (the journal is written ahead, one fsync a commit). */
	if (sqlite3_exec(s->database,
	                 "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
	                 NULL, NULL, NULL) != SQLITE_OK)
		return failed(s, reason, "cannot be opened");
	version = version_of(s);
	if (version < 0)
		return failed(s, reason, "is no database");
	if (version > STATE_VERSION)
		return fail(reason, RESULT_INVALID,
		            "the gateway's state has version %d, and this program knows %d: run the newer "
		            "parleyd, or move the file away",
		            version, STATE_VERSION);
	if (version == 0 && sqlite3_exec(s->database, schema, NULL, NULL, NULL) != SQLITE_OK)
		return failed(s, reason, "cannot be made");
	if (version < 2 && sqlite3_exec(s->database, schema_2, NULL, NULL, NULL) != SQLITE_OK)
		return failed(s, reason, "cannot be brought to version 2");
	if (sqlite3_prepare_v2(s->database, "INSERT OR REPLACE INTO row VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
	                       -1, &s->put, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->database, "DELETE FROM row WHERE kind=? AND key=? AND tag=?", -1,
	                       &s->remove, NULL) != SQLITE_OK)
		return failed(s, reason, "has another layout");
	return RESULT_OK;
}

enum result state_open(const char *path, struct siphash_key seed, struct state **out, struct reason *reason)
{
	struct state *s = mem_new(sizeof *s);
	enum result result;

	*out = NULL;
	if (!s)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	map_start(&s->changes, STATE_CHANGES_MAX, seed);
	list_start(&s->change_list);
	result = sqlite3_open_v2(path ? path : ":memory:", &s->database,
	                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                         NULL) == SQLITE_OK
	                 ? prepare(s, reason)
	                 : failed(s, reason, "cannot be opened");
	if (result == RESULT_OK)
		*out = s;
	else
		state_close(&s);
	return result;
}

void state_close(struct state **state)
{
	struct state *s = *state;

	if (!s)
		return;
	if (s->put && s->remove)
		(void)state_commit(s, NULL);
	forget_changes(s);
	map_stop(&s->changes);
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->remove);
	sqlite3_close(s->database);
	mem_free(s);
	*state = NULL;
}

/* ---- what waits ---- */

/* The name of a row: its kind, key and tag.  Neither of these holds a NUL. */
static struct slice name_laid(char **at, enum state_kind kind, struct slice key, struct slice tag)
{
	char *start = *at;

	*(*at)++ = (char)kind;
	(void)laid(at, key);
	*(*at)++ = '\0';
	(void)laid(at, tag);
	return (struct slice){ start, (size_t)(*at - start) };
}

/* Copies the row; NULL: no memory. */
static struct change *change_new(const struct state_row *row, bool is_removal)
{
	const struct dialog *d = &row->dialog;
	size_t bytes = sizeof(struct change) + 2 * (row->key.len + row->tag.len) + 2 + d->call_id.len +
	               row->event.len + d->local.len + d->remote.len + d->target.len + d->routes.len;
	struct change *change = mem_new(bytes);
	char *at;

	if (!change)
		return NULL;
	at = (char *)(change + 1);
	list_start(&change->node);
	change->bytes = bytes;
	change->is_removal = is_removal;
	change->name = name_laid(&at, row->kind, row->key, row->tag);
	change->row = *row;
	change->row.key = laid(&at, row->key);
	change->row.tag = laid(&at, row->tag);
	change->row.event = laid(&at, row->event);
	change->row.dialog.call_id = laid(&at, d->call_id);
	change->row.dialog.local = laid(&at, d->local);
	change->row.dialog.remote = laid(&at, d->remote);
	change->row.dialog.target = laid(&at, d->target);
	change->row.dialog.routes = laid(&at, d->routes);
	return change;
}

/* The newest word on a row is the one that counts. */
static void keep(struct state *s, const struct state_row *row, bool is_removal)
{
	struct change *change;

	if (!s)
		return;
	s->change_count++;
	if (s->writes_all)
		return;
	change = change_new(row, is_removal);
	if (change)
		change_free(s, map_get(&s->changes, change->name));
	if (change && s->change_bytes + change->bytes <= STATE_CHANGES_BYTES_MAX &&
	    map_add(&s->changes, change->name, change) == RESULT_OK) {
		list_add_last(&s->change_list, &change->node);
		s->change_bytes += change->bytes;
		return;
	}
	mem_free(change);
	forget_changes(s);
	s->writes_all = true;
}

void state_remove(struct state *s, enum state_kind kind, struct slice key, struct slice tag)
{
	const struct state_row row = { .kind = kind, .key = key, .tag = tag };

	keep(s, &row, true);
}

void state_written_by(struct state *s, void (*all)(void *owner), void *owner)
{
	s->all = all;
	s->owner = owner;
}

bool state_is_dirty(const struct state *s) { return s && (s->writes_all || !list_is_empty(&s->change_list)); }

uint64_t state_changes(const struct state *s) { return s ? s->change_count : 0; }

/* ---- writing ---- */

static bool execute(struct state *s, const char *words)
{
	return sqlite3_exec(s->database, words, NULL, NULL, NULL) == SQLITE_OK;
}

/* An empty slice is an empty blob, never NULL. */
static bool bind(sqlite3_stmt *statement, int at, struct slice text)
{
	return text.len <= STATE_CHANGES_BYTES_MAX &&
	       sqlite3_bind_blob(statement, at, text.len ? text.ptr : "", (int)text.len, SQLITE_STATIC) ==
	               SQLITE_OK;
}

static bool run(sqlite3_stmt *statement)
{
	bool is_done = sqlite3_step(statement) == SQLITE_DONE;

	/* The reason that the database keeps for state_commit survives these two. */
	is_done = sqlite3_reset(statement) == SQLITE_OK && is_done;
	sqlite3_clear_bindings(statement);
	return is_done;
}

static bool write_row(struct state *s, const struct state_row *row)
{
	const struct slice *const texts[] = { &row->dialog.call_id, &row->dialog.local, &row->dialog.remote,
		                              &row->dialog.target, &row->dialog.routes };
	bool is_bound = bind(s->put, 2, row->key) && bind(s->put, 3, row->tag);

	for (int i = 0; i < 5; i++)
		is_bound = is_bound && bind(s->put, 5 + i, *texts[i]);
	sqlite3_bind_int(s->put, 1, (int)row->kind);
	sqlite3_bind_int(s->put, 4, row->state);
	sqlite3_bind_int64(s->put, 10, row->dialog.local_cseq);
	sqlite3_bind_int64(s->put, 11, row->dialog.remote_cseq);
	sqlite3_bind_int64(s->put, UNTIL, row->until_ms);
	is_bound = is_bound && bind(s->put, EVENT, row->event);
	return is_bound && run(s->put);
}

static bool write_removal(struct state *s, const struct state_row *row)
{
	sqlite3_bind_int(s->remove, 1, (int)row->kind);
	return bind(s->remove, 2, row->key) && bind(s->remove, 3, row->tag) && run(s->remove);
}

static bool write_changes(struct state *s)
{
	LIST_EACH (at, &s->change_list) {
		const struct change *change = CHANGE_OF(at);

		if (!(change->is_removal ? write_removal(s, &change->row) : write_row(s, &change->row)))
			return false;
	}
	return true;
}

/* All but what is to be handed over: its owner of before is no more, and nobody else could give it again. */
static const char delete_owned[] = "DELETE FROM row WHERE kind<>3";
_Static_assert(STATE_FIRST == 3, "the statement names it by number");

static bool write_all(struct state *s)
{
	if (!s->all || !execute(s, delete_owned))
		return false;
	s->is_writing_all = true;
	s->has_failed = false;
	s->all(s->owner);
	s->is_writing_all = false;
	return !s->has_failed;
}

void state_put(struct state *s, const struct state_row *row)
{
	if (s && s->is_writing_all)
		s->has_failed = s->has_failed || !write_row(s, row);
	else
		keep(s, row, false);
}

enum result state_commit(struct state *s, struct reason *reason)
{
	enum result result;

	if (!state_is_dirty(s))
		return RESULT_OK;
	if (execute(s, "BEGIN IMMEDIATE") && (s->writes_all ? write_all(s) : write_changes(s)) &&
	    execute(s, "COMMIT")) {
		forget_changes(s);
		return RESULT_OK;
	}
	result = failed(s, reason, "was not written");
	/* Some faults have taken the transaction back already (a full disk); then there is none, and no harm. */
	(void)execute(s, "ROLLBACK");
	return result;
}

/* ---- reading ---- */

static struct slice text_at(sqlite3_stmt *statement, int at)
{
	const char *bytes = sqlite3_column_blob(statement, at);

	return bytes ? (struct slice){ bytes, (size_t)sqlite3_column_bytes(statement, at) } : SLICE("");
}

enum result state_each(struct state *s, enum state_kind kind, size_t most,
                       void (*each)(void *to, const struct state_row *row), void *to, struct reason *reason)
{
	sqlite3_stmt *question = NULL;
	int step;

	if (sqlite3_prepare_v2(s->database, "SELECT * FROM row WHERE kind=? ORDER BY until_ms LIMIT ?", -1,
	                       &question, NULL) != SQLITE_OK)
		return failed(s, reason, "cannot be read");
	sqlite3_bind_int(question, 1, (int)kind);
	sqlite3_bind_int64(question, 2, most ? (sqlite3_int64)most : -1);
	while ((step = sqlite3_step(question)) == SQLITE_ROW) {
		struct state_row row = {
			.kind = kind,
			.key = text_at(question, 1),
			.tag = text_at(question, 2),
			.state = sqlite3_column_int(question, 3),
			.dialog = { .call_id = text_at(question, 4),
			            .local = text_at(question, 5),
			            .remote = text_at(question, 6),
			            .target = text_at(question, 7),
			            .routes = text_at(question, 8),
			            .local_cseq = (uint32_t)sqlite3_column_int64(question, 9),
			            .remote_cseq = (uint32_t)sqlite3_column_int64(question, 10) },
			.until_ms = sqlite3_column_int64(question, UNTIL - 1),
			.event = text_at(question, EVENT - 1)
		};

		each(to, &row);
	}
	sqlite3_finalize(question);
	return step == SQLITE_DONE ? RESULT_OK : failed(s, reason, "cannot be read");
}
