/*
 * store: numbered, immutable versions of the configuration behind five verbs.
 *
 * Files in reading order: store.h (the verbs), store.c (they call the back end),
 * manifest.c and archive.c (one version as bytes), journal.c (one hash-chained
 * line a version), file_store.c (the back end of one machine), file_recover.c
 * (what it does when it starts), file_ops.c (write, fsync, rename: replaceable).
 *
 *   versions/0000000042.car   the archive: uncompressed ustar of manifest.xml and the documents
 *   journal                   "42 <sha256> <publish-id> <author> <time> <parent> <comment> <chain>"
 *   current                   "42 <sha256> <publish-id>", replaced by rename, last
 *   status/<replica>          the last report of each replica
 *   lock                      flock: one process has the store
 *
 * Answers come through callbacks, each exactly once and perhaps before the call
 * returns: the file back end answers at once, a back end over the network later.
 */
#ifndef DAEMON_STORE_STORE_H
#define DAEMON_STORE_STORE_H

#include <sys/types.h>

#include "shared/base/result.h"
#include "shared/base/slice.h"

enum {
	STORE_ARCHIVE_BYTES_MAX = 32 * 1024 * 1024,
	STORE_DOCUMENTS_MAX = 256, /* manifest.xml included */
	STORE_NAME_BYTES_MAX = 100,
	STORE_ID_BYTES = 16,
	STORE_AUTHOR_BYTES_MAX = 256,
	STORE_COMMENT_BYTES_MAX = 1024,
	STORE_REPORT_BYTES_MAX = 64 * 1024,
	STORE_REPORTS_MAX = 1024,
	STORE_WATCHES_MAX = 8,
	STORE_HISTORY_MAX = 1000, /* versions in one answer */
};

struct store;

/* What is known of a version without its documents. Text lives as long as the callback it is given to. */
struct store_version {
	uint64_t number; /* 0: nothing was ever published */
	uint64_t parent;
	uint8_t sha256[32]; /* of the archive */
	uint8_t id[STORE_ID_BYTES];
	int64_t time_ms;
	struct slice author, comment;
};

struct store_document {
	struct slice name, bytes;
};

/* ---- the file back end ---- */

/* System calls of the file back end; tests make the nth fail. Each returns -1 with errno. */
struct store_ops {
	void *to;
	ssize_t (*write)(void *to, int fd, const void *bytes, size_t count);
	int (*fsync)(void *to, int fd);
	int (*rename)(void *to, int folder, const char *from, const char *onto);
	int (*truncate)(void *to, int fd, uint64_t size);
	int (*unlink)(void *to, int folder, const char *name);
};

/*
 * Opens (and makes, mode 0750) the store in `folder`.  The highest complete and verified version becomes
 * the present one; what had to be mended is told to `note` (may be NULL) as sentences.  DENIED: another process has
 * it open, or it is not ours to write; INVALID: it holds versions, but none is whole; IO.
 */
enum result store_open_files(const char *folder, const struct store_ops *ops, struct store **out,
                             void (*note)(void *to, const char *sentence), void *to, struct reason *reason);
void store_close(struct store **store);

/* ---- the verbs ---- */

/* The present version, as last heard; `text` slices live until the next call of the store. */
struct store_version store_current(struct store *store);

/* `number` 0: the present one.  OK, NOT_FOUND, INVALID (damaged), IO, NO_MEMORY: then `version` is NULL. */
typedef void (*store_got)(void *to, enum result result, const struct store_version *version,
                          const struct store_document *documents, size_t count, const struct reason *reason);
void store_get(struct store *store, uint64_t number, store_got got, void *to);

struct store_change {
	const struct store_document *documents; /* all of them: a version is complete */
	size_t count;
	struct slice author, comment;
	int64_t time_ms;
	uint8_t id[STORE_ID_BYTES]; /* random: after UNKNOWN it tells ours from another's */
};
/*
 * Publishes if the present version is still `expected`.  OK: durable, `version` is the new one.  CONFLICT: somebody
 * was first, `version` is theirs.  INVALID, LIMIT (size, count, length) and IO: nothing has changed.
 * UNKNOWN: it may have been published; ask store_current and compare ids before trying again.
 */
typedef void (*store_published)(void *to, enum result result, const struct store_version *version,
                                const struct reason *reason);
void store_publish(struct store *store, uint64_t expected, const struct store_change *change,
                   store_published published, void *to);

/* Calls `came` for every version published from now on, here or elsewhere, before the publisher's answer. */
typedef void (*store_came)(void *to, const struct store_version *version);
enum result store_watch(struct store *store, store_came came, void *to);
void store_unwatch(struct store *store, store_came came, void *to);

/* Keeps the last report of a replica (its name is a host name); and gives them all back. */
typedef void (*store_done)(void *to, enum result result, const struct reason *reason);
void store_report(struct store *store, struct slice replica, struct slice text, store_done done, void *to);
typedef void (*store_reported)(void *to, struct slice replica, struct slice text, int64_t modified_ms);
void store_reports(struct store *store, store_reported each, store_done done, void *to);

/* The newest versions below `before` (0: all), newest first, at most `limit` (and STORE_HISTORY_MAX). */
void store_history(struct store *store, uint64_t before, size_t limit, store_came each, store_done done,
                   void *to);

#endif
