/* The store's promises: what was acknowledged is there, whole; nothing is half there; two publishers do not overwrite each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/archive.h"
#include "daemon/store/files.h"
#include "daemon/store/journal.h"
#include "shared/base/memory.h"

/* After ours: cmocka has a macro called fail. */
#include <cmocka.h>

enum { TORN_VERSIONS = 3 };

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int fresh_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/parley-store-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store *opened(const struct store_files *files)
{
	struct store *store = NULL;
	struct reason reason = { "" };
	enum result result = store_open(folder, files, &store, &reason);

	if (result != RESULT_OK)
		fprintf(stderr, "%s\n", reason.text);
	assert_int_equal(result, RESULT_OK);
	return store;
}

static enum result publish(struct store *store, uint64_t expected, const char *text, struct reason *reason)
{
	struct store_document documents[] = { { SLICE("topology.xml"), slice_of(text) },
		                              { SLICE("access-edge.xml"), SLICE("<x/>") } };
	struct store_version about = { .time_ms = 1795383579123,
		                       .changes = 2,
		                       .author = "chen wang <c@x>",
		                       .comment = "a \"b\"\n100%" };

	return store_publish(store, expected, documents, 2, &about, reason);
}

static void assert_version(struct store *store, uint64_t number, const char *text)
{
	struct arena arena;
	struct store_document *documents;
	struct store_version version;
	struct reason reason = { "" };
	size_t count;

	arena_start(&arena, STORE_ARCHIVE_MAX * 2);
	assert_int_equal(store_get(store, number, &arena, &documents, &count, &version, &reason), RESULT_OK);
	assert_int_equal(version.number, number ? number : store_current(store));
	assert_int_equal(count, 2);
	assert_true(slice_equal(documents[0].name, SLICE("access-edge.xml")));
	assert_true(slice_equal(documents[1].bytes, slice_of(text)));
	assert_string_equal(version.author, "chen wang <c@x>");
	assert_string_equal(version.comment, "a \"b\"\n100%");
	arena_stop(&arena);
}

static void a_published_version_is_there_after_opening_anew(void **state)
{
	struct store *store = opened(NULL);
	struct reason reason;

	(void)state;
	assert_int_equal(store_current(store), 0);
	assert_int_equal(publish(store, 0, "one", &reason), RESULT_OK);
	assert_int_equal(publish(store, 1, "two", &reason), RESULT_OK);
	assert_version(store, 1, "one");
	store_close(&store);
	store = opened(NULL);
	assert_string_equal(store_note(store), "");
	assert_int_equal(store_current(store), 2);
	assert_version(store, 0, "two");
	assert_version(store, 1, "one");
	store_close(&store);
}

static void the_second_publisher_of_a_number_is_told_who_was_first(void **state)
{
	struct store *store = opened(NULL);
	struct reason reason;

	(void)state;
	assert_int_equal(publish(store, 0, "one", &reason), RESULT_OK);
	assert_int_equal(publish(store, 0, "other", &reason), RESULT_CONFLICT);
	assert_non_null(strstr(reason.text, "chen wang"));
	assert_int_equal(publish(store, 2, "other", &reason), RESULT_CONFLICT);
	assert_version(store, 0, "one");
	store_close(&store);
}

static void a_second_process_is_refused(void **state)
{
	struct store *store = opened(NULL), *second = NULL;
	struct reason reason;

	(void)state;
	assert_int_equal(store_open(folder, NULL, &second, &reason), RESULT_CONFLICT);
	assert_null(second);
	store_close(&store);
}

static void path_of(const char *name, char *to, size_t size) { snprintf(to, size, "%s/%s", folder, name); }

static size_t read_file(const char *name, char *to, size_t size)
{
	char path[128];
	size_t n;

	path_of(name, path, sizeof path);
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	n = fread(to, 1, size, f);
	fclose(f);
	return n;
}

static void write_file(const char *name, const char *bytes, size_t count)
{
	char path[128];

	path_of(name, path, sizeof path);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, count, f), count);
	fclose(f);
}

/* Cut at every byte of the last line: the version before it is current, and publishing goes on. */
static void a_torn_journal_loses_only_the_line_that_was_torn(void **state)
{
	static char journal[8192];
	struct reason reason;
	size_t length, last = 0;

	(void)state;
	struct store *store = opened(NULL);

	for (uint64_t i = 0; i < TORN_VERSIONS; i++)
		assert_int_equal(publish(store, i, "text", &reason), RESULT_OK);
	store_close(&store);
	length = read_file("journal", journal, sizeof journal);
	for (size_t i = 0; i + 1 < length; i++)
		if (journal[i] == '\n')
			last = i + 1;
	for (size_t cut = last; cut < length; cut++) {
		write_file("journal", journal, cut);
		store = opened(NULL);
		assert_int_equal(store_current(store), TORN_VERSIONS - 1);
		assert_version(store, 0, "text");
		assert_int_equal(publish(store, TORN_VERSIONS - 1, "again", &reason), RESULT_OK);
		store_close(&store);
		store = opened(NULL);
		assert_int_equal(store_current(store), TORN_VERSIONS);
		assert_version(store, 0, "again");
		store_close(&store);
	}
}

static void a_journal_changed_in_its_middle_is_refused_with_its_place(void **state)
{
	static char journal[8192];
	struct store *store = opened(NULL);
	struct reason reason;
	size_t length;

	(void)state;
	for (uint64_t i = 0; i < TORN_VERSIONS; i++)
		assert_int_equal(publish(store, i, "text", &reason), RESULT_OK);
	store_close(&store);
	length = read_file("journal", journal, sizeof journal);
	journal[5] ^= 1;
	write_file("journal", journal, length);
	assert_int_equal(store_open(folder, NULL, &store, &reason), RESULT_INVALID);
	assert_non_null(strstr(reason.text, "damaged at byte 0"));
}

static void an_acknowledged_line_that_was_damaged_is_not_taken_for_a_torn_one(void **state)
{
	static char journal[8192], archive[16384];
	struct store *store = opened(NULL);
	struct reason reason;
	size_t length;

	(void)state;
	for (uint64_t i = 0; i < TORN_VERSIONS; i++)
		assert_int_equal(publish(store, i, "text", &reason), RESULT_OK);
	store_close(&store);
	length = read_file("journal", journal, sizeof journal);
	journal[length - 10] ^= 1;
	write_file("journal", journal, length);
	assert_int_equal(store_open(folder, NULL, &store, &reason), RESULT_INVALID);
	assert_non_null(strstr(reason.text, "damaged at byte"));
	assert_true(read_file("versions/0000000003.car", archive, sizeof archive) > 0);
}

static void a_damaged_version_is_never_served(void **state)
{
	static char archive[16384];
	struct store *store = opened(NULL);
	struct reason reason;
	struct arena arena;
	struct store_document *documents;
	struct store_version version;
	size_t count, length;

	(void)state;
	assert_int_equal(publish(store, 0, "one", &reason), RESULT_OK);
	assert_int_equal(publish(store, 1, "two", &reason), RESULT_OK);
	store_close(&store);
	length = read_file("versions/0000000001.car", archive, sizeof archive);
	arena_start(&arena, STORE_ARCHIVE_MAX);
	/* The manifest's own words are covered by the archive's digest in the journal, all else by the manifest. */
	char digest[STORE_DIGEST_BYTES];

	assert_int_equal(archive_read((struct slice){ archive, length }, &arena, &version, &documents, &count,
	                              &reason),
	                 RESULT_OK);
	memcpy(digest, version.digest, sizeof digest);
	arena_reset(&arena);
	for (size_t i = 0; i < length; i += 7) {
		archive[i] ^= 0x20;
		if (archive_read((struct slice){ archive, length }, &arena, &version, &documents, &count,
		                 &reason) == RESULT_OK)
			assert_string_not_equal(version.digest, digest);
		archive[i] ^= 0x20;
		arena_reset(&arena);
	}
	for (size_t cut = 0; cut < length; cut += 13) {
		assert_int_not_equal(archive_read((struct slice){ archive, cut }, &arena, &version,
		                                  &documents, &count, &reason),
		                     RESULT_OK);
		arena_reset(&arena);
	}
	arena_stop(&arena);
	write_file("versions/0000000002.car", archive, length);
	assert_int_equal(store_open(folder, NULL, &store, &reason), RESULT_INVALID);
	assert_non_null(strstr(reason.text, "0000000002.car"));
}

static void names_that_could_leave_the_folder_are_refused(void **state)
{
	static const char *const rows[] = { "",        "../x.xml", "/etc/passwd",
		                            "a/b.xml", ".hidden",  "manifest.xml",
		                            "a b",     "x\n",      "-x" };
	struct store_version version = { .number = 1 };
	struct reason reason;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct store_document document = { slice_of(rows[i]), SLICE("x") };
		struct buffer out;

		buffer_start(&out, STORE_ARCHIVE_MAX);
		assert_int_equal(archive_write(&version, &document, 1, &out, &reason), RESULT_INVALID);
		buffer_stop(&out);
	}
	struct store_document twice[] = { { SLICE("a.xml"), SLICE("1") }, { SLICE("a.xml"), SLICE("2") } };
	struct buffer out;

	buffer_start(&out, STORE_ARCHIVE_MAX);
	assert_int_equal(archive_write(&version, twice, 2, &out, &reason), RESULT_INVALID);
	buffer_stop(&out);
}

/* ---- every system call failing in turn ---- */

static unsigned long calls, failing_call;
static int failing_errno;
static bool fails_for_good, writes_half;

static bool is_made_to_fail(void)
{
	calls++;
	if (failing_call && (calls == failing_call || (fails_for_good && calls > failing_call))) {
		errno = failing_errno;
		return true;
	}
	return false;
}

static ssize_t failing_write(int fd, const void *bytes, size_t count)
{
	if (is_made_to_fail())
		return -1;
	return write(fd, bytes, writes_half && count > 1 ? count / 2 : count);
}
static int failing_sync(int fd) { return is_made_to_fail() ? -1 : fsync(fd); }
static int failing_rename(int at, const char *from, const char *to)
{
	return is_made_to_fail() ? -1 : renameat(at, from, at, to);
}
static int failing_truncate(int fd, off_t length) { return is_made_to_fail() ? -1 : ftruncate(fd, length); }

static const struct store_files failing_files = { failing_write, failing_sync, failing_rename,
	                                          failing_truncate };

/* A failed publish has changed nothing, or says that nobody knows; the store opens again either way. */
static void each_call_may_fail_and_nothing_is_half_there(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		fails_for_good = round == 1;
		failing_errno = round ? EROFS : ENOSPC;
		for (unsigned long n = 1;; n++) {
			struct reason reason = { "" };
			uint64_t before;

			failing_call = 0;
			struct store *store = opened(&failing_files);

			before = store_current(store);
			calls = 0;
			failing_call = n;
			writes_half = n % 2;
			enum result result = publish(store, before, "new", &reason);
			bool was_reached = calls >= n;

			failing_call = 0;
			if (result == RESULT_OK)
				assert_int_equal(store_current(store), before + 1);
			else
				assert_true(reason.text[0] != '\0' &&
				            (result == RESULT_IO || result == RESULT_UNKNOWN));
			store_close(&store);
			store = opened(NULL);
			if (result == RESULT_OK)
				assert_int_equal(store_current(store), before + 1);
			else if (result == RESULT_IO)
				assert_int_equal(store_current(store), before);
			if (store_current(store))
				assert_version(store, 0, "new");
			assert_int_equal(publish(store, store_current(store), "new", &reason), RESULT_OK);
			store_close(&store);
			if (!was_reached)
				break;
			assert_true(n < 100);
		}
	}
}

/* ---- kill -9 at a random moment ---- */

static void what_was_acknowledged_survives_kill_9(void **state)
{
	int rounds = getenv("PARLEY_LONG") ? 200 : 20;
	uint64_t acknowledged = 0;

	(void)state;
	for (int round = 0; round < rounds; round++) {
		int pipes[2];
		struct reason reason;

		assert_int_equal(pipe(pipes), 0);
		pid_t child = fork();

		if (child == 0) {
			struct store *store = NULL;

			close(pipes[0]);
			if (store_open(folder, NULL, &store, &reason) != RESULT_OK)
				_exit(1);
			for (;;) {
				uint64_t number = store_current(store);

				if (publish(store, number, "text", &reason) != RESULT_OK)
					_exit(2);
				number++;
				if (write(pipes[1], &number, sizeof number) != sizeof number)
					_exit(3);
			}
		}
		close(pipes[1]);
		/* Let it acknowledge a few, another number each round, and some microseconds more. */
		for (int i = 0; i < 1 + round % 7; i++) {
			uint64_t number;

			assert_int_equal(read(pipes[0], &number, sizeof number), sizeof number);
			acknowledged = number;
		}
		usleep((useconds_t)(round * 137 % 1500));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		for (uint64_t number; read(pipes[0], &number, sizeof number) == sizeof number;)
			acknowledged = number;
		close(pipes[0]);

		struct store *store = opened(NULL);

		assert_true(store_current(store) >= acknowledged && store_current(store) <= acknowledged + 1);
		assert_version(store, 0, "text");
		store_close(&store);
	}
}

static void count_one(void *to, const struct store_version *version)
{
	uint64_t *last = to;

	assert_int_equal(version->number, --*last);
	assert_string_equal(version->comment, "a \"b\"\n100%");
}

static void history_gives_the_newest_first(void **state)
{
	struct store *store = opened(NULL);
	struct reason reason;
	uint64_t last = 13;

	(void)state;
	for (uint64_t i = 0; i < 12; i++)
		assert_int_equal(publish(store, i, "x", &reason), RESULT_OK);
	assert_int_equal(store_history(store, 5, count_one, &last, &reason), RESULT_OK);
	assert_int_equal(last, 8);
	store_close(&store);
}

static void a_report_is_kept_as_it_came(void **state)
{
	struct store *store = opened(NULL);
	struct buffer out;
	struct reason reason;

	(void)state;
	buffer_start(&out, STORE_REPORT_MAX);
	assert_int_equal(store_report_get(store, SLICE("edge1"), &out, &reason), RESULT_NOT_FOUND);
	assert_int_equal(store_report_put(store, SLICE("edge1"), SLICE("{\"applied\":7}"), &reason),
	                 RESULT_OK);
	assert_int_equal(store_report_put(store, SLICE("../edge1"), SLICE("x"), &reason), RESULT_INVALID);
	assert_int_equal(store_report_get(store, SLICE("edge1"), &out, &reason), RESULT_OK);
	assert_true(slice_equal(buffer_slice(&out), SLICE("{\"applied\":7}")));
	buffer_stop(&out);
	store_close(&store);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh_folder, drop_folder)
	const struct CMUnitTest tests[] = {
		CASE(a_published_version_is_there_after_opening_anew),
		CASE(the_second_publisher_of_a_number_is_told_who_was_first),
		CASE(a_second_process_is_refused),
		CASE(a_torn_journal_loses_only_the_line_that_was_torn),
		CASE(a_journal_changed_in_its_middle_is_refused_with_its_place),
		CASE(an_acknowledged_line_that_was_damaged_is_not_taken_for_a_torn_one),
		CASE(a_damaged_version_is_never_served),
		CASE(names_that_could_leave_the_folder_are_refused),
		CASE(each_call_may_fail_and_nothing_is_half_there),
		CASE(what_was_acknowledged_survives_kill_9),
		CASE(history_gives_the_newest_first),
		CASE(a_report_is_kept_as_it_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
