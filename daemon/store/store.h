/*
 * store: numbered versions of the configuration, behind five verbs:
 * get, publish-if, watch, report, history.
 *
 * Problem: a version that was acknowledged must be there, whole, after any
 * crash; and two publishers must not overwrite each other.
 * Files in reading order:
 *   store.h         the verbs
 *   archive.h/.c    one version as bytes: a deterministic ustar archive (pure)
 *   manifest.h/.c   what stands in its manifest.xml (pure)
 *   journal.h/.c    one hash-chained line a version (pure)
 *   files.h/.c      the system calls, as a struct so that tests can make them fail
 *   file_store.c    the embedded back end: FOLDER/{versions/0000000042.car, journal, current, lock, reports/}
 * The commit point is the journal's fsync: before it a version does not exist,
 * after it the version is current, also when the machine dies before `current`
 * (a convenience for people and tools) is renamed.
 */
#ifndef DAEMON_STORE_STORE_H
#define DAEMON_STORE_STORE_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/result.h"

enum {
	STORE_DOCUMENTS_MAX = 256,
	STORE_NAME_MAX = 99, /* what a ustar name field holds */
	STORE_ARCHIVE_MAX = 32 * 1024 * 1024,
	STORE_AUTHOR_BYTES = 128,
	STORE_COMMENT_BYTES = 512,
	STORE_DIGEST_BYTES = 65, /* SHA-256, hex, NUL */
	STORE_PUBLISH_ID_BYTES = 33,
	STORE_REPORT_MAX = 64 * 1024,
};

struct store_document {
	struct slice name; /* "sip-domains.xml": [0-9A-Za-z][0-9A-Za-z._-]* */
	struct slice bytes;
};

struct store_version {
	uint64_t number, parent;
	int64_t time_ms; /* wall */
	uint32_t changes;
	char author[STORE_AUTHOR_BYTES];
	char comment[STORE_COMMENT_BYTES];
	char publish_id[STORE_PUBLISH_ID_BYTES];
	char digest[STORE_DIGEST_BYTES]; /* of the archive */
};

struct store_files;
struct store;

/*
 * Opens or makes the store in `folder` (which exists) and takes its lock for as long as it is open.
 * CONFLICT: another process has it.  Mends what a crash left; store_note says what.
 * `files` NULL: the system's.
 */
enum result store_open(const char *folder, const struct store_files *files, struct store **out,
                       struct reason *reason);
void store_close(struct store **store);
const char *store_note(const struct store *store); /* "" when nothing had to be mended */

/* The number of the current version; 0 when there is none. */
uint64_t store_current(const struct store *store);

/*
 * One version, verified: digests of archive and documents.  Bytes live in `arena`.  `number` 0: the current one.
 * NOT_FOUND; INVALID when it is damaged, with what is wrong.
 */
enum result store_get(struct store *store, uint64_t number, struct arena *arena,
                      struct store_document **documents, size_t *count, struct store_version *version,
                      struct reason *reason);

/*
 * Publishes `documents` (any order; unique names) as version current + 1 if `expected` is the current number.
 * `about` gives author, comment, time_ms and changes; the rest of it is filled in.  OK only when it is durable.
 * CONFLICT: another version is current (about->number says which).  LIMIT: too large.  IO: nothing was changed.
 * UNKNOWN: it may or may not be there; the store takes no more versions until it is opened anew.
 */
enum result store_publish(struct store *store, uint64_t expected, const struct store_document *documents,
                          size_t count, struct store_version *about, struct reason *reason);

/* Called after each publish, from inside it, when it is durable. One watcher. */
void store_watch(struct store *store, void (*published)(void *to, const struct store_version *version),
                 void *to);

/* The newest `limit` versions, newest first. */
enum result store_history(struct store *store, size_t limit,
                          void (*each)(void *to, const struct store_version *version), void *to,
                          struct reason *reason);

/* A replica's last report, kept as it is (JSON or XML, the replica's own words). */
enum result store_report_put(struct store *store, struct slice replica, struct slice report,
                             struct reason *reason);
enum result store_report_get(struct store *store, struct slice replica, struct buffer *out,
                             struct reason *reason);

#endif
