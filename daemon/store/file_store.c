/*
 * file_store: the embedded back end, plain files that an administrator can read
 * with ordinary means.
 *
 *   versions/0000000042.car   the archive
 *   journal                   one chained line a version: the commit
 *   current                   "42 SHA256 PUBLISH-ID", for people and tools
 *   lock                      flock: one publisher at a time
 *   reports/REPLICA           its last report
 *
 * Publishing: archive (tmp, fsync, rename, fsync folder), journal line (append,
 * fsync: the commit), current (tmp, fsync, rename, fsync folder).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/crypto/crypto.h"
#include "daemon/store/archive.h"
#include "daemon/store/files.h"
#include "daemon/store/journal.h"
#include "shared/base/memory.h"

enum { VERSION_NAME_BYTES = 32, CURRENT_BYTES = 160 };

struct store {
	const struct store_files *files;
	int folder, versions, reports, journal, lock;
	off_t journal_length;
	char chain[STORE_DIGEST_BYTES];
	struct store_version current; /* number 0: none */
	bool is_broken;               /* a write's outcome is unknown: no more until opened anew */
	char note[384];
	void (*published)(void *to, const struct store_version *version);
	void *published_to;
};

static void version_name(uint64_t number, char to[VERSION_NAME_BYTES])
{
	snprintf(to, VERSION_NAME_BYTES, "%010llu.car", (unsigned long long)number);
}

static void add_note(struct store *store, const char *words)
{
	size_t used = strlen(store->note);

	snprintf(store->note + used, sizeof store->note - used, "%s%s", used ? "; " : "", words);
}

/* ---- reading one version ---- */

static enum result read_archive(struct store *store, uint64_t number, struct arena *arena,
                                struct store_document **documents, size_t *count,
                                struct store_version *version, struct reason *reason)
{
	char name[VERSION_NAME_BYTES];
	struct buffer file;
	struct slice bytes;
	enum result result;

	version_name(number, name);
	buffer_start(&file, STORE_ARCHIVE_MAX);
	result = store_file_read(store->versions, name, &file, reason);
	if (result == RESULT_OK) {
		bytes = arena_copy(arena, buffer_slice(&file));
		result = bytes.ptr ? archive_read(bytes, arena, version, documents, count, reason)
		                   : fail(reason, RESULT_NO_MEMORY, "no memory for version %s", name);
	}
	buffer_stop(&file);
	if (result == RESULT_OK && version->number != number)
		result = fail(reason, RESULT_INVALID, "%s holds version %llu", name,
		              (unsigned long long)version->number);
	return result;
}

static bool is_whole(struct store *store, const struct store_version *version)
{
	struct arena arena;
	struct store_document *documents;
	struct store_version found;
	size_t count;
	bool is_good;

	arena_start(&arena, STORE_ARCHIVE_MAX * 2);
	is_good = read_archive(store, version->number, &arena, &documents, &count, &found, NULL) ==
	                  RESULT_OK &&
	          strcmp(found.digest, version->digest) == 0;
	arena_stop(&arena);
	return is_good;
}

enum result store_get(struct store *store, uint64_t number, struct arena *arena,
                      struct store_document **documents, size_t *count, struct store_version *version,
                      struct reason *reason)
{
	if (number == 0)
		number = store->current.number;
	if (number == 0 || number > store->current.number)
		return fail(reason, RESULT_NOT_FOUND, "there is no version %llu", (unsigned long long)number);
	return read_archive(store, number, arena, documents, count, version, reason);
}

uint64_t store_current(const struct store *store) { return store->current.number; }
const char *store_note(const struct store *store) { return store->note; }

/* ---- opening: what a crash left is mended here ---- */

static int open_folder(int at, const char *name, struct reason *reason)
{
	int fd;

	if (mkdirat(at, name, 0700) != 0 && errno != EEXIST) {
		fail_errno(reason, RESULT_IO, "cannot make the folder %s", name);
		return -1;
	}
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail_errno(reason, RESULT_IO, "cannot open the folder %s", name);
	return fd;
}

static enum result open_files(struct store *store, const char *folder, struct reason *reason)
{
	store->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder < 0)
		return fail_errno(reason, RESULT_IO, "cannot open the folder %s", folder);
	store->lock = openat(store->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return fail_errno(reason, RESULT_IO, "cannot open %s/lock", folder);
	if (flock(store->lock, LOCK_EX | LOCK_NB) != 0)
		return fail(reason, RESULT_CONFLICT, "%s is in use by another process", folder);
	if ((store->versions = open_folder(store->folder, "versions", reason)) < 0 ||
	    (store->reports = open_folder(store->folder, "reports", reason)) < 0)
		return RESULT_IO;
	store->journal = openat(store->folder, "journal",
	                        O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->journal < 0)
		return fail_errno(reason, RESULT_IO, "cannot open %s/journal", folder);
	return RESULT_OK;
}

/*
 * Reads the journal: its last line names the current version.  A last line
 * without its end was never acknowledged: it is cut off.  A whole line that does
 * not fit the chain is damage that no crash explains: nothing is thrown away,
 * an operator has to look.
 */
static enum result read_journal(struct store *store, struct reason *reason)
{
	struct buffer text;
	struct slice rest, line;
	struct store_version version;
	size_t good = 0;
	enum result result;

	buffer_start(&text, JOURNAL_BYTES_MAX);
	result = store_file_read(store->folder, "journal", &text, reason);
	rest = buffer_slice(&text);
	while (result == RESULT_OK && rest.len > 0) {
		size_t end = slice_find(rest, '\n');

		line = slice_first(rest, end);
		if (end == rest.len)
			break;
		if (!journal_line_read(line, store->chain, &version) ||
		    version.parent != store->current.number) {
			result = fail(reason, RESULT_INVALID, "the journal is damaged at byte %zu", good);
			break;
		}
		store->current = version;
		good += end + 1;
		rest = slice_after(rest, end + 1);
	}
	if (result == RESULT_OK && good < buffer_length(&text)) {
		add_note(store, "an unfinished line at the journal's end was cut off");
		if (store->files->truncate(store->journal, (off_t)good) != 0 ||
		    store->files->sync(store->journal) != 0)
			result = fail_errno(reason, RESULT_IO, "cannot cut the journal's unfinished end");
	}
	store->journal_length = (off_t)good;
	buffer_stop(&text);
	return result;
}

static enum result write_current(struct store *store, struct reason *reason)
{
	char text[CURRENT_BYTES];

	snprintf(text, sizeof text, "%llu %s %s\n", (unsigned long long)store->current.number,
	         store->current.digest, store->current.publish_id);
	return store_file_replace(store->files, store->folder, "current", slice_of(text), reason);
}

/* A version acknowledged but damaged since is an operator's matter: never silently an older one. */
static enum result check_current(struct store *store, struct reason *reason)
{
	char name[VERSION_NAME_BYTES];

	if (store->current.number == 0)
		return RESULT_OK;
	if (!is_whole(store, &store->current)) {
		version_name(store->current.number, name);
		return fail(reason, RESULT_INVALID,
		            "versions/%s is damaged or missing; put it back from a backup, or import conf.d "
		            "into a new store",
		            name);
	}
	return write_current(store, reason);
}

/* An archive without its journal line was never acknowledged: it is set aside, not thrown away. */
static void set_strays_aside(struct store *store)
{
	char name[VERSION_NAME_BYTES], aside[VERSION_NAME_BYTES + 16];

	version_name(store->current.number + 1, name);
	snprintf(aside, sizeof aside, "%s.unfinished", name);
	if (store->files->rename(store->versions, name, aside) == 0)
		add_note(store, "a version that was never finished was set aside");
}

enum result store_open(const char *folder, const struct store_files *files, struct store **out,
                       struct reason *reason)
{
	struct store *store = mem_new(sizeof *store);
	enum result result;

	*out = NULL;
	if (!store)
		return fail(reason, RESULT_NO_MEMORY, "no memory for the store");
	store->files = files ? files : &store_files_real;
	store->folder = store->versions = store->reports = store->journal = store->lock = -1;
	result = open_files(store, folder, reason);
	if (result == RESULT_OK)
		result = read_journal(store, reason);
	if (result == RESULT_OK)
		result = check_current(store, reason);
	if (result != RESULT_OK) {
		store_close(&store);
		return result;
	}
	set_strays_aside(store);
	*out = store;
	return RESULT_OK;
}

void store_close(struct store **store)
{
	struct store *s = *store;

	if (!s)
		return;
	const int all[] = { s->journal, s->reports, s->versions, s->lock, s->folder };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i] >= 0)
			close(all[i]);
	mem_free(s);
	*store = NULL;
}

/* ---- publishing ---- */

/* The commit. Either the line is there and synced, or it is not there at all, or nobody knows (UNKNOWN). */
static enum result append_line(struct store *store, const struct store_version *version,
                               struct reason *reason)
{
	struct buffer line;
	char chain[STORE_DIGEST_BYTES];
	enum result result = RESULT_OK;

	memcpy(chain, store->chain, sizeof chain);
	buffer_start(&line, JOURNAL_LINE_MAX);
	journal_line_write(version, chain, &line);
	if (line.is_broken)
		result = fail(reason, RESULT_LIMIT, "author and comment are too long");
	else if (store_file_write_all(store->files, store->journal, buffer_slice(&line)) != RESULT_OK ||
	         store->files->sync(store->journal) != 0) {
		result = fail_errno(reason, RESULT_IO, "cannot write the journal");
		if (store->files->truncate(store->journal, store->journal_length) != 0 ||
		    store->files->sync(store->journal) != 0) {
			store->is_broken = true;
			result = fail(reason, RESULT_UNKNOWN,
			              "the journal could not be written, nor set back: restart the daemon to "
			              "see what is there");
		}
	} else {
		store->journal_length += (off_t)buffer_length(&line);
		memcpy(store->chain, chain, sizeof chain);
	}
	buffer_stop(&line);
	return result;
}

static enum result make_id(char to[STORE_PUBLISH_ID_BYTES], struct reason *reason)
{
	uint8_t bytes[(STORE_PUBLISH_ID_BYTES - 1) / 2];

	if (!crypto_random(bytes, sizeof bytes))
		return fail(reason, RESULT_IO, "no random bytes");
	crypto_hex_write(bytes, sizeof bytes, to);
	return RESULT_OK;
}

enum result store_publish(struct store *store, uint64_t expected, const struct store_document *documents,
                          size_t count, struct store_version *about, struct reason *reason)
{
	char name[VERSION_NAME_BYTES];
	struct buffer archive;
	enum result result;
	struct reason later;

	if (store->is_broken)
		return fail(reason, RESULT_UNKNOWN, "an earlier write failed half-way: restart the daemon");
	if (expected != store->current.number) {
		*about = store->current;
		return fail(reason, RESULT_CONFLICT, "version %llu is current, published by %s",
		            (unsigned long long)store->current.number, store->current.author);
	}
	about->number = expected + 1;
	about->parent = expected;
	if ((result = make_id(about->publish_id, reason)) != RESULT_OK)
		return result;
	version_name(about->number, name);
	buffer_start(&archive, STORE_ARCHIVE_MAX);
	result = archive_write(about, documents, count, &archive, reason);
	if (result == RESULT_OK)
		result = store_file_replace(store->files, store->versions, name, buffer_slice(&archive),
		                            reason);
	buffer_stop(&archive);
	if (result == RESULT_OK)
		result = append_line(store, about, reason);
	if (result != RESULT_OK) {
		if (result != RESULT_UNKNOWN)
			unlinkat(store->versions, name, 0);
		return result;
	}
	store->current = *about;
	/* Committed. `current` is written for people; when it cannot be, the next start does it. */
	if (write_current(store, &later) != RESULT_OK)
		add_note(store, later.text);
	if (store->published)
		store->published(store->published_to, about);
	return RESULT_OK;
}

void store_watch(struct store *store, void (*published)(void *to, const struct store_version *version),
                 void *to)
{
	store->published = published;
	store->published_to = to;
}

/* ---- history and reports ---- */

enum result store_history(struct store *store, size_t limit,
                          void (*each)(void *to, const struct store_version *version), void *to,
                          struct reason *reason)
{
	struct buffer text;
	struct slice rest, line;
	struct store_version *kept = mem_new_array(limit ? limit : 1, sizeof *kept);
	char chain[STORE_DIGEST_BYTES] = "";
	size_t seen = 0;
	enum result result;

	if (!kept)
		return fail(reason, RESULT_NO_MEMORY, "no memory for %zu versions", limit);
	buffer_start(&text, JOURNAL_BYTES_MAX);
	result = store_file_read(store->folder, "journal", &text, reason);
	rest = buffer_slice(&text);
	while (result == RESULT_OK && limit && slice_next(&rest, '\n', &line) && line.len &&
	       journal_line_read(line, chain, &kept[seen % limit]))
		seen++;
	for (size_t i = 0; result == RESULT_OK && i < seen && i < limit; i++)
		each(to, &kept[(seen - 1 - i) % limit]);
	buffer_stop(&text);
	mem_free(kept);
	return result;
}

enum result store_report_put(struct store *store, struct slice replica, struct slice report,
                             struct reason *reason)
{
	char name[STORE_NAME_MAX + 1];

	if (!archive_name_is_good(replica) || !slice_to_text(replica, name, sizeof name))
		return fail(reason, RESULT_INVALID, "this is no name of a replica");
	if (report.len > STORE_REPORT_MAX)
		return fail(reason, RESULT_LIMIT, "a report is at most %d bytes", STORE_REPORT_MAX);
	return store_file_replace(store->files, store->reports, name, report, reason);
}

enum result store_report_get(struct store *store, struct slice replica, struct buffer *out,
                             struct reason *reason)
{
	char name[STORE_NAME_MAX + 1];

	if (!archive_name_is_good(replica) || !slice_to_text(replica, name, sizeof name))
		return fail(reason, RESULT_INVALID, "this is no name of a replica");
	return store_file_read(store->reports, name, out, reason);
}
