/* state: the one file that touches SQLite. */
#include "daemon/gateway/state.h"

#include <sqlite3.h>

#include "shared/base/memory.h"

enum { COLUMNS = 12 };

struct state {
	sqlite3 *database;
	sqlite3_stmt *put, *remove;
	bool is_dirty, has_failed;
};

static enum result failed(struct state *s, struct reason *reason, const char *what)
{
	return fail(reason, RESULT_IO, "the gateway's state: %s: %s", what,
	            s->database ? sqlite3_errmsg(s->database) : "out of memory");
}

/* ---- schema ---- */

/* Version 1.  A later program adds its own step below and raises STATE_VERSION. */
static const char *const schema =
        "CREATE TABLE row(kind INTEGER NOT NULL, key BLOB NOT NULL, tag BLOB NOT NULL, state INTEGER NOT "
        "NULL,"
        " call_id BLOB, local BLOB, remote BLOB, target BLOB, routes BLOB, local_cseq INTEGER NOT NULL,"
        " remote_cseq INTEGER NOT NULL, until_ms INTEGER NOT NULL, PRIMARY KEY(kind, key, tag)) WITHOUT "
        "ROWID;"
        "PRAGMA user_version=1;";

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
	if (sqlite3_prepare_v2(s->database, "INSERT OR REPLACE INTO row VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", -1,
	                       &s->put, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->database, "DELETE FROM row WHERE kind=? AND key=? AND tag=?", -1,
	                       &s->remove, NULL) != SQLITE_OK)
		return failed(s, reason, "has another layout");
	return RESULT_OK;
}

enum result state_open(const char *path, struct state **out, struct reason *reason)
{
	struct state *s = mem_new(sizeof *s);
	enum result result;

	*out = NULL;
	if (!s)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
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
	(void)state_commit(s, NULL);
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->remove);
	sqlite3_close(s->database);
	mem_free(s);
	*state = NULL;
}

/* ---- writing ---- */

static bool begin(struct state *s)
{
	if (!s->is_dirty && sqlite3_exec(s->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		s->has_failed = true;
	s->is_dirty = true;
	return !s->has_failed;
}

/* An empty slice is an empty blob, never NULL. */
static void bind(sqlite3_stmt *statement, int at, struct slice text)
{
	sqlite3_bind_blob(statement, at, text.len ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

static bool run(struct state *s, sqlite3_stmt *statement)
{
	bool is_done = sqlite3_step(statement) == SQLITE_DONE;

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (!is_done)
		s->has_failed = true;
	return is_done;
}

bool state_put(struct state *s, const struct state_row *row)
{
	const struct slice *const texts[] = { &row->dialog.call_id, &row->dialog.local, &row->dialog.remote,
		                              &row->dialog.target, &row->dialog.routes };

	if (!s || !begin(s))
		return false;
	sqlite3_bind_int(s->put, 1, (int)row->kind);
	bind(s->put, 2, row->key);
	bind(s->put, 3, row->tag);
	sqlite3_bind_int(s->put, 4, row->state);
	for (int i = 0; i < 5; i++)
		bind(s->put, 5 + i, *texts[i]);
	sqlite3_bind_int64(s->put, 10, row->dialog.local_cseq);
	sqlite3_bind_int64(s->put, 11, row->dialog.remote_cseq);
	sqlite3_bind_int64(s->put, COLUMNS, row->until_ms);
	return run(s, s->put);
}

bool state_remove(struct state *s, enum state_kind kind, struct slice key, struct slice tag)
{
	if (!s || !begin(s))
		return false;
	sqlite3_bind_int(s->remove, 1, (int)kind);
	bind(s->remove, 2, key);
	bind(s->remove, 3, tag);
	return run(s, s->remove);
}

bool state_is_dirty(const struct state *s) { return s && s->is_dirty; }

enum result state_commit(struct state *s, struct reason *reason)
{
	enum result result = RESULT_OK;

	if (!s->is_dirty)
		return RESULT_OK;
	if (s->has_failed || sqlite3_exec(s->database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		result = failed(s, reason, "was not written");
		(void)sqlite3_exec(s->database, "ROLLBACK", NULL, NULL, NULL);
	}
	s->is_dirty = s->has_failed = false;
	return result;
}

/* ---- reading ---- */

static struct slice text_at(sqlite3_stmt *statement, int at)
{
	const char *bytes = sqlite3_column_blob(statement, at);

	return bytes ? (struct slice){ bytes, (size_t)sqlite3_column_bytes(statement, at) } : SLICE("");
}

enum result state_each(struct state *s, enum state_kind kind,
                       void (*each)(void *to, const struct state_row *row), void *to, struct reason *reason)
{
	sqlite3_stmt *question = NULL;
	int step;

	if (sqlite3_prepare_v2(s->database, "SELECT * FROM row WHERE kind=? ORDER BY until_ms", -1, &question,
	                       NULL) != SQLITE_OK)
		return failed(s, reason, "cannot be read");
	sqlite3_bind_int(question, 1, (int)kind);
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
			.until_ms = sqlite3_column_int64(question, 11)
		};

		each(to, &row);
	}
	sqlite3_finalize(question);
	return step == SQLITE_DONE ? RESULT_OK : failed(s, reason, "cannot be read");
}
