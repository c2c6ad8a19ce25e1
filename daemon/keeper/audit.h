/*
 * audit: who did what, kept so that nobody can change it unnoticed.
 *
 * One JSON object a line, appended and made durable before the deed and again
 * with its outcome before that is acknowledged; what cannot be written down is
 * not done.  Each line carries the SHA-256 of the whole line before it, so a
 * line that was changed, taken out or put in breaks the chain where it was done.
 * A full file is renamed after its first line's number and the chain goes on in
 * the next; none is ever deleted here.  audit.head says how far the chain has
 * come, so that lines cut off at the end are missed, too.
 *
 * A write that a power cut or a full disk tore leaves bytes that are no line.
 * They stay; the next line says how many ("torn").
 *
 * Files in reading order: audit.h, audit.c (writing), audit_read.c (looking and verifying).
 */
#ifndef DAEMON_KEEPER_AUDIT_H
#define DAEMON_KEEPER_AUDIT_H

#include "daemon/crypto/crypto.h"
#include "shared/base/buffer.h"
#include "shared/base/json.h"
#include "shared/base/result.h"
#include "shared/control/filter.h"

enum {
	AUDIT_LINE_MAX = 16 * 1024,
	AUDIT_OBJECT_MAX = 1024,
	AUDIT_CHANGES_MAX = 8 * 1024,
	AUDIT_FILE_MAX = 16 * 1024 * 1024,
	AUDIT_FILES_MAX = 4096, /* 64 GiB of them; older ones are to be taken away by then */
	AUDIT_FOLDER_BYTES = 1024,
	AUDIT_NAME_BYTES = 40,
	AUDIT_SCAN_MAX = 2 * 1024 * 1024, /* bytes looked at in one go */
};

struct audit {
	int fd, folder, head;
	uint64_t number;                      /* of the last line */
	char digest[CRYPTO_SHA256_HEX_BYTES]; /* of the last line */
	uint64_t first;                       /* of the present file; 0: it is empty */
	uint64_t size;
	uint64_t torn;     /* bytes behind the last line that are none */
	uint64_t file_max; /* AUDIT_FILE_MAX; smaller in tests */
	uint64_t
	        missing; /* lines that audit.head knows and the files do not hold any more; the next line says so */
	uint64_t
	        unended; /* the last line only asks (its number): the daemon ended before the outcome; 0: no */
	uint64_t unended_version;
	char unended_verb[64];
};
/* Below `folder`, which exists. */
enum result audit_open(struct audit *audit, const char *folder, struct reason *reason);
void audit_close(struct audit *audit);

struct audit_entry {
	const char *who; /* "alice(1000)", "parleyd" */
	uint32_t uid;
	const char *login;   /* login user behind it; "" or NULL: the same or unknown */
	const char *address; /* where from; "" or NULL: here or unknown */
	const char *roles;   /* "policy" */
	const char *verb;
	struct slice object;
	struct slice command; /* as it would be typed */
	const char *outcome;  /* "asked", then "published", "done", "refused: ...", "denied: ..." */
	uint64_t version;
	uint64_t asked;       /* number of the line that asked; 0: none did */
	uint64_t unwritten;   /* denials before this one that were too many to be written */
	struct slice changes; /* JSON array: what, before, after; cut between elements to AUDIT_CHANGES_MAX */
};
/* Durable when it returns OK; else what it tells of must not be done. */
enum result audit_write(struct audit *audit, int64_t wall_ms, const struct audit_entry *entry,
                        struct reason *reason);

/* ---- looking ---- */
struct audit_query {
	const struct filter *filter; /* of audit_keys */
	struct slice since;   /* "2026-11-27" or longer: lines of then and later; empty: all */
	uint64_t before_file; /* a cursor as it was handed out; 0: from the newest */
	uint64_t before_byte;
};
/*
 * Newest first: each line's JSON that the query lets through, until `take` says false (it did not take that one) or
 * AUDIT_SCAN_MAX bytes have been looked at.  The query's cursor goes on to where a next call begins; false: there is
 * no more.
 */
bool audit_look(const struct audit *audit, struct audit_query *query,
                bool (*take)(void *to, struct slice line), void *to);
/* Does a filter hold for a line?  Pure. */
bool audit_matches(struct slice line, const struct filter *filter);
extern const char audit_keys[]; /* the members of a line that can be filtered by */

/* ---- verifying ---- */
struct audit_verdict {
	bool is_whole;
	uint64_t lines, first, last; /* what was found */
	uint64_t torn;               /* places at which bytes that are no line stand, as the next line says */
	char file[AUDIT_NAME_BYTES]; /* the first fault: where, what */
	uint64_t line;               /* its number as it says, or as it would be */
	struct reason why;
};
struct audit_walk;                                            /* opaque */
struct audit_walk *audit_walk_new(const struct audit *audit); /* NULL: out of memory */
void audit_walk_free(struct audit_walk **walk);
/* Some of the way: AGAIN, or OK with the verdict. */
enum result audit_walk_step(struct audit_walk *walk, struct audit_verdict *verdict);

/* ---- inside: the files ---- */
struct audit_file {
	uint64_t first; /* number of its first line; the present one sorts last */
	char name[AUDIT_NAME_BYTES];
};
/* Oldest first, at most `max`; the present one ("audit.log") is the last. */
size_t audit_files(int folder, struct audit_file *files, size_t max);
/* A line's own words: its number (0: it is no line of ours), and what it says of the one before. */
struct audit_link {
	uint64_t number, torn, missing, version;
	char previous[CRYPTO_SHA256_HEX_BYTES];
	bool is_asking;
	char verb[64];
};
bool audit_link_read(struct slice line, struct audit_link *out);
void audit_digest(struct slice line, char to[CRYPTO_SHA256_HEX_BYTES]);

#endif
